// Certificates for tests, made when they are needed: an authority of its own and what it signed,
// as PEM text. Small keys that live for an hour. Throws std::runtime_error when OpenSSL fails.
#pragma once

#include <memory>
#include <string>

namespace wp::test {

struct Certificate {
  std::string pem;
  std::string key;
};

class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  const std::string& pem() const;
  /// `alt_names` as OpenSSL writes them: "DNS:redis,IP:127.0.0.1". It began to be valid two hours
  /// ago and is so for `seconds` from now: a negative number makes one that has expired.
  Certificate issue(const std::string& name, const std::string& alt_names,
                    long seconds = 3600) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wp::test
