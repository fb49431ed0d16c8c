// Certificates for tests, made when they are needed: a CA of its own, servers and clients signed by
// it. Small keys that live for an hour. Throws std::runtime_error when OpenSSL fails.
#pragma once

#include <memory>
#include <openssl/ssl.h>
#include <string>

#include "tests/support/fake_api.h"

namespace wp::test {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

SslContext server_context(const ApiTls& tls);

class TestCa {
 public:
  TestCa();
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  const std::string& pem() const;
  /// A certificate for `name`; `alt_names` as OpenSSL writes them, for example "IP:127.0.0.1".
  ApiTls issue(const std::string& name, const std::string& alt_names = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wp::test
