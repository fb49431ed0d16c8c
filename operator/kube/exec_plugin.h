// A credential plugin of a kubeconfig: a program that prints an ExecCredential on its stdout. It
// gets no terminal, is killed with its children when its time is over, and its stderr appears in
// the error (bounded) or in the log at debug level. run() blocks; owned by one Credentials.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace wp::kube {

struct ExecCredential {
  std::string token = {};
  std::string certificate = {};
  std::string key = {};
  std::optional<Millis> expires = {};  // wall time; nothing: for as long as it is accepted
};

struct ExecPlugin {
  std::string command = {};  // a path, or a name that is looked for in $PATH
  std::vector<std::string> args = {};
  std::map<std::string, std::string> env = {};  // in addition to ours
  std::string api_version = {};                 // what the answer has to be, too
  std::string cluster_json = {};                // spec.cluster; empty unless provideClusterInfo
  std::string install_hint = {};
  Millis timeout{30000};

  /// Throws std::runtime_error with one line; it never holds the plugin's output to stdout.
  ExecCredential run() const;
};

/// The ExecCredential in `output`. Throws std::runtime_error.
ExecCredential parse_exec_credential(const std::string& output, const std::string& api_version);

}  // namespace wp::kube
