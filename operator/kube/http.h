// A small HTTP/1.1 client behind a seam: the only place of operator/ that knows the HTTP library.
// One HttpClient talks to one endpoint over a few keep-alive connections, which it owns. Any thread
// may call any method; requests on several threads run at the same time, each on a connection of
// its own. Throws KubeError with a transport class and nothing else; an HTTP status of any value
// is an answer, not an error.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace wp::kube {

/// Where the API server is. `host` is a name or a bare IP (IPv6 without brackets).
struct Endpoint {
  bool tls = true;
  std::string host = {};
  int port = 443;
  std::string base_path = {};   // prefix of every path, without a final slash; usually empty
  std::string proxy_host = {};  // empty: no proxy
  int proxy_port = 0;

  /// host:port, with brackets around IPv6.
  std::string authority() const;
};

/// Parses http(s)://host[:port][/path]. Throws std::invalid_argument with one line that says what
/// is wrong; it never repeats a user:password part.
Endpoint parse_endpoint(std::string_view url);

/// What a TLS connection is made with. All of it is PEM text, kept in memory.
struct TlsMaterial {
  std::string ca = {};  // trusted roots; nothing else is trusted. Empty: the system's roots
  std::string certificate = {};  // the client's chain; empty: none
  std::string key = {};
  std::string server_name = {};  // expected instead of the host (tls-server-name); empty: the host
  bool insecure = false;         // no verification at all
};

using Headers = std::multimap<std::string, std::string>;

struct Response {
  int status = 0;
  Headers headers = {};  // names in lower case
  std::string body = {};

  /// The first value of a header, named in lower case; empty when absent.
  std::string header(const std::string& name) const;
};

struct HttpOptions {
  Millis connect_timeout{10000};               // also bounds the TLS handshake
  std::size_t max_response_bytes = 64u << 20;  // of a unary answer
  std::size_t idle_connections = 4;            // kept open for the next request
};

class HttpClient {
 public:
  /// Answers the material for a new connection. When it answers another object than before,
  /// connections made with the old one are not used again: this is how certificates rotate.
  using TlsSource = std::function<std::shared_ptr<const TlsMaterial>()>;

  HttpClient(Endpoint endpoint, TlsSource tls, HttpOptions options = {});
  ~HttpClient();  // no call may be in progress
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// One exchange. `path` is percent-encoded and includes the query. `timeout` bounds everything
  /// from the connect to the last byte. A GET on a reused connection that turns out to be dead is
  /// repeated once on a new one; nothing else is repeated.
  Response request(const std::string& method, const std::string& path, const Headers& headers,
                   const std::string& body, Millis timeout);

  struct Stream {
    std::function<bool(std::string_view)> on_data = {};  // answers false to end the stream
    std::function<void()> on_open = {};                  // the status is 200; may be empty
    Millis idle_timeout{295000};                         // longest wait for the next byte
    Millis total_timeout{0};                             // of the whole stream; 0: no bound
  };
  /// A GET whose 200 answer is handed to `on_data` as it arrives, on the calling thread. Returns
  /// the status and headers after the clean end of the stream, or when on_data asked to end it. An
  /// answer other than 200 is collected and returned like that of request().
  Response stream(const std::string& path, const Headers& headers, const Stream& stream);

  /// Ends every exchange in progress with Transport::stopped, at once, and refuses new ones. Name
  /// resolution alone cannot be interrupted. May be called from any thread and more than once.
  void stop();

  const Endpoint& endpoint() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wp::kube
