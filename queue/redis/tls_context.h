// What makes a TLS connection to a Redis trustworthy, in OpenSSL's terms: the given roots and no
// others, the expected name or address, our certificate, TLS 1.2 at least. Verification happens
// inside the handshake, so no password is ever sent to a server that is not the expected one.
#pragma once

#include <memory>
#include <openssl/ssl.h>
#include <string>

#include "queue/redis/endpoint.h"

namespace wp::redis {

struct SslDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslDeleter>;
using SslStream = std::unique_ptr<SSL, SslDeleter>;

/// Reads the files that `tls` names. Throws Error(tls) that says which of them can't be used.
SslContext make_tls_context(const Tls& tls);

/// A stream that accepts a server with a certificate for `name` only: a DNS name, which is also
/// what the ClientHello asks for, or an IP address, which it must not name (RFC 6066).
SslStream make_tls_stream(SSL_CTX* context, const std::string& name);

}  // namespace wp::redis
