#include "queue/redis/trust_store.h"

#include <cstdlib>
#include <filesystem>
#include <openssl/err.h>
#include <openssl/x509.h>

namespace wp::redis {
namespace {

namespace fs = std::filesystem;

std::string named(const char* variable, const char* fallback) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : fallback;
}

// A folder counts when a certificate may be in it: images keep empty ones.
bool openssl_finds_some() {
  std::error_code ignored;
  if (fs::is_regular_file(named(X509_get_default_cert_file_env(), X509_get_default_cert_file()),
                          ignored)) {
    return true;
  }
  const fs::directory_iterator entries(
      named(X509_get_default_cert_dir_env(), X509_get_default_cert_dir()), ignored);
  return entries != fs::directory_iterator();
}

}  // namespace

void trust_system(SSL_CTX* context, const std::vector<std::string>& files) {
  if (openssl_finds_some()) {
    SSL_CTX_set_default_verify_paths(context);
    return;
  }
  for (const std::string& file : files) {
    if (SSL_CTX_load_verify_file(context, file.c_str()) == 1) break;
  }
  ERR_clear_error();
}

std::vector<std::string> root_bundles() {
  std::vector<std::string> files = {
      "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine, distroless
      "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora and its kin
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // the same, later
      "/etc/ssl/ca-bundle.pem",                             // SUSE
      "/etc/ssl/cert.pem",                                  // Alpine
  };
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (!error) files.push_back(self.parent_path().parent_path() / "lib/ca-certificates.crt");
  return files;
}

}  // namespace wp::redis
