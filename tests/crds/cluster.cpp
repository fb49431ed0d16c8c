#include "tests/crds/cluster.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <unistd.h>

#include "tests/support/ran.h"

namespace wp::crds {
namespace {

using test::Ran;
using test::run_shell;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

[[noreturn]] void skip(const std::string& reason) {
  std::fprintf(stderr, "SKIPPED: %s\n", reason.c_str());
  std::_Exit(77);
}

class Cluster {
 public:
  Cluster() {
    folder_ = environment("WORKERPOOL_CLUSTER_DIR");
    if (!environment("KUBECONFIG").empty()) return;
    scripts_ = environment("WORKERPOOL_SOURCE") + "/tests/cluster/";
    const Ran up = run_shell("'" + scripts_ + "up'");
    if (up.status == 3) skip("no API server can be had here (tests/cluster/assets)");
    if (up.status != 0) {
      std::fprintf(stderr, "tests/cluster/up failed\n");
      std::_Exit(1);
    }
    folder_ = exported(up.output, "WORKERPOOL_CLUSTER_DIR");
    setenv("KUBECONFIG", exported(up.output, "KUBECONFIG").c_str(), 1);
    own_ = true;
  }
  ~Cluster() {
    if (own_) run_shell("'" + scripts_ + "down' '" + folder_ + "'");
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  std::string program() const {
    return folder_.empty() ? "kubectl" : "'" + folder_ + "/bin/kubectl'";
  }

 private:
  // The value of `export NAME=value`, quoted or not.
  static std::string exported(const std::string& text, const std::string& name) {
    std::smatch match;
    if (!std::regex_search(text, match, std::regex(name + "=['\"]?([^'\"\\s;]+)"))) {
      std::fprintf(stderr, "tests/cluster/up printed no %s\n", name.c_str());
      std::_Exit(1);
    }
    return match[1];
  }

  std::string folder_;
  std::string scripts_;
  bool own_ = false;
};

}  // namespace

Answer kubectl(const std::string& words, const std::string& input) {
  static const Cluster cluster;
  const auto file =
      std::filesystem::temp_directory_path() / ("workerpool-kubectl-" + std::to_string(getpid()));
  std::ofstream(file) << input;
  const Ran ran = run_shell(cluster.program() + " " + words + " <'" + file.string() + "' 2>&1");
  std::filesystem::remove(file);
  return {ran.status == 0, ran.output};
}

Answer kubectl(const std::string& words, const nlohmann::json& input) {
  return kubectl(words, input.dump());
}

}  // namespace wp::crds
