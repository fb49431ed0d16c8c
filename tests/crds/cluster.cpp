#include "tests/crds/cluster.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sys/wait.h>
#include <unistd.h>

namespace wp::crds {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Ran {
  int status = -1;
  std::string output;
};

Ran run(const std::string& command) {
  Ran out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4096> buffer{};
  for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    out.output.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
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
    const Ran up = run("'" + scripts_ + "up'");
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
    if (own_) run("'" + scripts_ + "down' '" + folder_ + "'");
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
  const Ran ran = run(cluster.program() + " " + words + " <'" + file.string() + "' 2>&1");
  std::filesystem::remove(file);
  return {ran.status == 0, ran.output};
}

Answer kubectl(const std::string& words, const nlohmann::json& input) {
  return kubectl(words, input.dump());
}

}  // namespace wp::crds
