// One side of a proxied connection: a socket, with TLS or without. Made and owned by one thread;
// set up blocking, then moved to not blocking. Throws ChannelError when it cannot be set up; a
// connection that ends later is a result.
#pragma once

#include <cstddef>
#include <memory>
#include <openssl/ssl.h>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace wp::testproxy {

class ChannelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct FreeSsl {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeSsl>;

/// Files in PEM. A certificate may be left out.
struct TlsFiles {
  std::string authority = {};
  std::string certificate = {};
  std::string key = {};
};

/// Serves with the certificate, speaks HTTP/1.1 only, and takes a client's certificate if it has
/// one of the authority.
TlsContext serving_context(const TlsFiles& files);
/// Calls servers of the authority.
TlsContext calling_context(const TlsFiles& files);

class Channel {
 public:
  struct Moved {
    std::size_t bytes = 0;  // 0: nothing can be moved now
    bool ended = false;
  };

  /// The server's side of what was accepted; `context` null: no TLS.
  static Channel accept(UniqueFd socket, SSL_CTX* context);
  /// The client's side, to a port of 127.0.0.1.
  static Channel connect(int port, SSL_CTX* context);

  int fd() const { return socket_.get(); }
  bool peer_has_certificate() const;
  /// From now on read() and write() wait for nothing.
  void stop_blocking() const;
  Moved read(char* buffer, std::size_t size);
  Moved write(std::string_view bytes);

 private:
  Channel(UniqueFd socket, SSL_CTX* context);
  Moved moved(long n) const;

  UniqueFd socket_;
  std::unique_ptr<SSL, FreeSsl> tls_;
};

}  // namespace wp::testproxy
