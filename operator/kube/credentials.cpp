#include "operator/kube/credentials.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "base/log.h"
#include "operator/kube/error.h"
#include "operator/kube/tls.h"

namespace wp::kube {
namespace {

// The kubelet rotates a token at 80 % of its life and the old one stays valid until the end; 60 s
// minus some leeway is what client-go does.
constexpr Millis kTokenAge{50000};
constexpr Millis kTlsAge{30000};
constexpr Millis kPluginLeeway{60000};  // a plugin's credential is renewed so long before its end

std::string trimmed(const std::string& text) {
  const char* const blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

class SourcedCredentials final : public Credentials {
 public:
  SourcedCredentials(CredentialSources sources, const Clock& clock)
      : sources_(std::move(sources)), clock_(clock), token_(sources_.token) {
    auto material = std::make_shared<TlsMaterial>(sources_.tls.read());
    try {
      check_tls_material(*material);
    } catch (const std::invalid_argument& error) {
      throw std::runtime_error(error.what());
    }
    from_files_ = std::move(material);
    tls_read_at_ = clock_.steady();
    if (!sources_.token_file.empty() && !sources_.plugin) read_token_file();
  }

  Headers headers() override {
    const std::lock_guard lock(mutex_);
    refresh();
    Headers headers = sources_.headers;
    if (!token_.empty()) headers.emplace("Authorization", "Bearer " + token_);
    return headers;
  }

  std::shared_ptr<const TlsMaterial> tls() override {
    const std::lock_guard lock(mutex_);
    if (sources_.plugin) refresh();
    refresh_tls();
    return with_plugin_ ? with_plugin_ : from_files_;
  }

  bool refused(Millis asked) override {
    const std::lock_guard lock(mutex_);
    if (!sources_.plugin && sources_.token_file.empty()) return false;
    // What was read after the refused request asked is news already; otherwise it has to be read.
    if (token_read_at_ && *token_read_at_ <= asked) token_read_at_.reset();
    return true;
  }

 private:
  void refresh() {
    const Millis now = clock_.steady();
    if (sources_.plugin) {
      const bool expired = plugin_expiry_ && clock_.wall() + kPluginLeeway >= *plugin_expiry_;
      if (!token_read_at_ || expired) run_plugin();
    } else if (!sources_.token_file.empty()) {
      if (!token_read_at_ || now - *token_read_at_ >= kTokenAge) refresh_token_file();
    }
  }

  void read_token_file() {
    std::string token = trimmed(read_text_file(sources_.token_file));
    if (token.empty()) throw std::runtime_error(sources_.token_file + ": the token is empty");
    token_ = std::move(token);
    token_read_at_ = clock_.steady();
  }

  // A file that cannot be read for a moment must not cost the token that still works.
  void refresh_token_file() {
    try {
      read_token_file();
    } catch (const std::runtime_error& error) {
      if (token_.empty()) throw KubeError(Transport::token, error.what());
      token_read_at_ = clock_.steady();
      log::warn("the token could not be read again; the last one is kept",
                {{"error", error.what()}});
    }
  }

  void run_plugin() {
    ExecCredential credential;
    try {
      credential = sources_.plugin->run();
    } catch (const std::runtime_error& error) {
      throw KubeError(Transport::token, error.what());
    }
    token_ = credential.token;
    plugin_expiry_ = credential.expires;
    token_read_at_ = clock_.steady();
    plugin_certificate_ = std::move(credential.certificate);
    plugin_key_ = std::move(credential.key);
    combine();
  }

  void combine() {
    if (plugin_certificate_.empty()) {
      with_plugin_.reset();
      return;
    }
    const bool same = with_plugin_ && with_plugin_->certificate == plugin_certificate_ &&
                      with_plugin_->key == plugin_key_ && with_plugin_->ca == from_files_->ca;
    if (same) return;
    auto material = std::make_shared<TlsMaterial>(*from_files_);
    material->certificate = plugin_certificate_;
    material->key = plugin_key_;
    with_plugin_ = std::move(material);
  }

  void refresh_tls() {
    const Millis now = clock_.steady();
    if (now - tls_read_at_ < kTlsAge) return;
    tls_read_at_ = now;
    try {
      TlsMaterial material = sources_.tls.read();
      const bool same = material.ca == from_files_->ca &&
                        material.certificate == from_files_->certificate &&
                        material.key == from_files_->key;
      if (same) return;
      check_tls_material(material);
      from_files_ = std::make_shared<const TlsMaterial>(std::move(material));
      combine();
    } catch (const std::exception& error) {  // for example: the key was replaced, its certificate
                                             // not yet
      log::warn("the TLS files could not be read again; the last ones are kept",
                {{"error", error.what()}});
    }
  }

  const CredentialSources sources_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string token_;
  std::optional<Millis> token_read_at_;  // steady; nothing: has to be read
  std::optional<Millis> plugin_expiry_;  // wall
  std::string plugin_certificate_;
  std::string plugin_key_;
  Millis tls_read_at_{0};
  std::shared_ptr<const TlsMaterial> from_files_;
  std::shared_ptr<const TlsMaterial> with_plugin_;
};

}  // namespace

std::string read_text_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  // A directory opens, and fails at the first read.
  if (!file || file.bad() || text.fail()) {
    // An empty file sets failbit on the target stream, which is no error.
    if (file && !file.bad() && text.str().empty() && errno == 0) return "";
    const int reason = errno;
    throw std::runtime_error(path + ": " +
                             (reason != 0 ? std::strerror(reason) : "it cannot be read"));
  }
  return text.str();
}

std::string PemSource::read() const {
  return file.empty() ? text : read_text_file(file);
}

TlsMaterial TlsSources::read() const {
  TlsMaterial material;
  material.ca = ca.read();
  if (!ca.file.empty() && material.ca.empty()) {
    throw std::runtime_error(ca.file + ": the file is empty");
  }
  material.certificate = certificate.read();
  material.key = key.read();
  material.server_name = server_name;
  material.insecure = insecure;
  return material;
}

std::shared_ptr<Credentials> make_credentials(CredentialSources sources, const Clock& clock) {
  return std::make_shared<SourcedCredentials>(std::move(sources), clock);
}

}  // namespace wp::kube
