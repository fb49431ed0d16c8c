// The kinds of Credentials behind a ClusterConfig: fixed ones, tokens and certificates in files
// that rotate, and those that a plugin (kubeconfig `exec`) makes. Built by config.cpp and
// kubeconfig.cpp only. Every method may be called from any thread; see config.h for the contract.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "operator/kube/config.h"
#include "operator/kube/exec_plugin.h"

namespace wp::kube {

/// PEM text that stands inline or in a file; the file wins and is read again when asked.
struct PemSource {
  std::string file = {};
  std::string text = {};

  bool empty() const { return file.empty() && text.empty(); }
  /// Throws std::runtime_error naming the file.
  std::string read() const;
};

struct TlsSources {
  PemSource ca = {};
  PemSource certificate = {};
  PemSource key = {};
  std::string server_name = {};
  bool insecure = false;

  /// Throws std::runtime_error with one line when a file or its content cannot be used.
  TlsMaterial read() const;
};

struct CredentialSources {
  TlsSources tls = {};
  Headers headers = {};  // fixed: Basic authorization, Impersonate-*
  std::string token = {};
  std::string token_file = {};  // wins over `token`
  std::optional<ExecPlugin> plugin =
      {};  // wins over both, when it answers a token or a certificate
};

/// Reads everything once, so that mistakes show at start; a plugin runs at the first request only.
/// Throws std::runtime_error with one line.
std::shared_ptr<Credentials> make_credentials(CredentialSources sources, const Clock& clock);

/// The whole file; throws std::runtime_error "PATH: reason".
std::string read_text_file(const std::string& path);

}  // namespace wp::kube
