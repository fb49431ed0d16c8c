// What makes a TLS client connection trustworthy, in OpenSSL's terms: the given roots and no
// others, the expected name or address, the client's certificate, TLS 1.2 at least. Knows nothing
// of HTTP. Functions throw std::invalid_argument with one line when PEM text cannot be used.
#pragma once

#include <openssl/ssl.h>
#include <string>

#include "operator/kube/http.h"

namespace wp::kube {

/// One connection's expectation and, after a failed handshake, the reason. Must outlive `context`.
struct TlsPeer {
  std::string name;     // what the certificate has to be for: a DNS name or an IP address
  std::string sni;      // what the ClientHello names; empty for an IP address
  std::string problem;  // why the certificate was refused; empty when it was not
};

/// The peer that `material` expects behind `host`.
TlsPeer tls_peer(const TlsMaterial& material, const std::string& host);

/// Sets up a client context. Verification happens inside the handshake, so nothing is ever sent to
/// a server that is not the expected one.
void configure_tls(SSL_CTX* context, const TlsMaterial& material, TlsPeer& peer);

/// Only the checks of configure_tls(): can this material be used?
void check_tls_material(const TlsMaterial& material);

/// The reason of the last failure in this thread's OpenSSL error queue, or empty; clears the queue.
std::string take_openssl_error();

bool is_ip_address(const std::string& host);

}  // namespace wp::kube
