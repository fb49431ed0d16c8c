// Which public roots a TLS connection trusts when nobody named a CA: the system's, wherever this
// system keeps them. OpenSSL was built for one distribution and looks in its places only; the
// runner works in images of any, and in those that hold nothing.
#pragma once

#include <openssl/ssl.h>
#include <string>
#include <vector>

namespace wp::redis {

/// OpenSSL's own places (SSL_CERT_FILE and SSL_CERT_DIR of the environment among them) when there
/// is something at them, else the first file that exists of `files`. Nothing found: nobody is
/// trusted, and the handshake says so.
void trust_system(SSL_CTX* context, const std::vector<std::string>& files);

/// Where distributions keep the bundle of roots, and last the one beside this program.
std::vector<std::string> root_bundles();

}  // namespace wp::redis
