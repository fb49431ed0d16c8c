#include "tests/product/plain_api.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/units.h"
#include "tests/support/wait.h"

namespace wp::test {
namespace {

std::string first_line(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

std::string api_server_port(const std::string& cluster_folder) {
  std::ifstream in(cluster_folder + "/admin.kubeconfig");
  for (std::string line; std::getline(in, line);) {
    if (line.find("server: ") != std::string::npos) return line.substr(line.rfind(':') + 1);
  }
  throw std::runtime_error("no server in the kubeconfig of " + cluster_folder);
}

void write_delay(const std::string& file, Millis by) {
  // Never half written.
  std::ofstream(file + ".new") << format_duration(by) << '\n';
  std::filesystem::rename(file + ".new", file);
}

PlainApi::PlainApi(const std::string& folder) {
  const std::string address = folder_.path() + "/address";
  proxy_ = std::make_unique<Process>(
      std::vector<std::string>{program("workerpool-test-watch-delay"), "--plain", "--server-port",
                               api_server_port(folder), "--ca", folder + "/pki/ca.crt",
                               "--certificate", folder + "/pki/admin.crt", "--key",
                               folder + "/pki/admin.key", "--address-file", address, "--delay-file",
                               folder_.path() + "/delay"},
      folder_.path() + "/log");
  if (!eventually([&] { return std::filesystem::exists(address); })) {
    throw std::runtime_error("the plain API does not serve: " + proxy_->output());
  }
  (void)folder_.write("kubeconfig",
                      "apiVersion: v1\n"
                      "kind: Config\n"
                      "current-context: plain\n"
                      "contexts: [{name: plain, context: {cluster: plain, user: anybody}}]\n"
                      "users: [{name: anybody, user: {}}]\n"
                      "clusters: [{name: plain, cluster: {server: '" +
                          first_line(address) + "'}}]\n");
}

void PlainApi::delay_pods(Millis by) const {
  write_delay(folder_.path() + "/delay", by);
}

}  // namespace wp::test
