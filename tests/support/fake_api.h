// A scripted HTTP/1.1 server on 127.0.0.1 for tests of the Kubernetes client: the script says what
// goes wrong, byte by byte where needed. Each connection has a thread; requests are handed to the
// steps of the script in the order in which they arrive, then to the fallback. Everything that was
// asked is recorded. The destructor closes every connection, which ends a stalled step.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wp::test {

struct ApiRequest {
  std::string method;
  std::string target;                          // path and query, as sent
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  int connection = 0;  // a number per connection, from 1
};

/// One exchange, as a step sees it. After the step returns the connection is kept open for the next
/// request if the answer was complete, else closed.
class ApiExchange {
 public:
  virtual ~ApiExchange() = default;
  virtual const ApiRequest& request() const = 0;

  /// A complete answer.
  virtual void reply(int status, std::string_view body,
                     const std::map<std::string, std::string>& headers = {}) = 0;
  /// A chunked 200: the head now, then pieces, then the end (or none, which cuts it off).
  virtual void begin_stream() = 0;
  virtual void chunk(std::string_view data) = 0;
  virtual void end_stream() = 0;
  /// Bytes as they are.
  virtual void raw(std::string_view bytes) = 0;
  /// Closes the connection without another byte.
  virtual void cut() = 0;
  /// Nothing more until the client or the test gives up.
  virtual void stall() = 0;
};

using ApiStep = std::function<void(ApiExchange&)>;

/// PEM texts for a server or a client.
struct ApiTls {
  std::string ca;  // clients have to show a certificate of this CA; empty: they need none
  std::string certificate;
  std::string key;
};

class FakeApi {
 public:
  explicit FakeApi(const ApiTls* tls = nullptr);
  ~FakeApi();
  FakeApi(const FakeApi&) = delete;
  FakeApi& operator=(const FakeApi&) = delete;

  int port() const;

  /// Appends steps.
  void script(std::vector<ApiStep> steps);
  /// For requests beyond the script; the default answers 404.
  void fallback(ApiStep step);

  std::vector<ApiRequest> requests() const;
  /// Waits until so many requests came; false when they did not come in time.
  bool wait_for_requests(std::size_t count,
                         std::chrono::milliseconds timeout = std::chrono::seconds(60)) const;
  /// How many connections were accepted.
  std::size_t connections() const;
  /// How many of them the server has closed; their end has reached a client on this machine.
  std::size_t closed_connections() const;
  /// Server names that clients gave in their ClientHello, one per connection; empty for none.
  std::vector<std::string> server_names() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Steps that many scripts use.

ApiStep answer(int status, std::string body, std::map<std::string, std::string> headers = {});
/// A `Status` with this code, reason and the cause's reason, if any.
ApiStep failure(int code, const std::string& reason, const std::string& cause = {},
                std::map<std::string, std::string> headers = {});
/// A watch that sends these lines (a newline is added to each), then ends cleanly.
ApiStep watch_lines(std::vector<std::string> lines);
/// A watch that sends these lines and then stays silent.
ApiStep watch_lines_then_stall(std::vector<std::string> lines);

}  // namespace wp::test
