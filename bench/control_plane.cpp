#include "bench/control_plane.h"

#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sys/wait.h>

#include "operator/kube/config.h"

namespace wp::bench {
namespace {

constexpr int kNotHere = 3;  // of tests/cluster/up: the binaries cannot be had
const std::string kSource = WP_BENCH_SOURCE;
constexpr const char* kOperator = "system:serviceaccount:workerpool-system:workerpool-operator";

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

void ControlPlane::Running::stop() const {
  if (std::system(fmt::format("{}/tests/cluster/down {}", kSource, folder).c_str()) != 0) {
    std::cerr << "what is recorded in " << folder << "/pids may still run\n";
  }
}

ControlPlane::ControlPlane() {
  const std::string state = file("cluster");
  const std::string policy = folder_.write("audit.yaml", AuditLog::policy(kOperator));
  (void)run(
      fmt::format("{}/tests/cluster/up --dir {} --apiserver-flag=--audit-policy-file={} "
                  "--apiserver-flag=--audit-log-path={}",
                  kSource, state, policy, file("audit.log")));
  running_ = std::make_unique<Running>(state);
  // After `up`: its processes would inherit the blocked signals.
  signals_ = std::make_unique<StopSignals>([this](int count) {
    if (count == 1) running_->stop();
    std::_Exit(130);
  });
  api_ = std::make_unique<kube::Client>(
      kube::load_config({.kubeconfig = state + "/admin.kubeconfig"}));
  const std::string kubectl =
      fmt::format("{0}/bin/kubectl --kubeconfig {0}/admin.kubeconfig", state);
  (void)run(fmt::format("{0} apply --server-side -f {1}/manifests/install.yaml", kubectl, kSource));
  (void)run(kubectl + " wait --for=condition=Established crd/workerpools.workerpool.dev");
  operator_kubeconfig_ = file("operator.kubeconfig");
  (void)run(
      fmt::format("WORKERPOOL_CLUSTER_DIR={0} KUBECONFIG={0}/admin.kubeconfig "
                  "{1}/tests/cluster/service-account workerpool-system workerpool-operator "
                  ">{2}",
                  state, kSource, operator_kubeconfig_));
  audit_ = std::make_unique<AuditLog>(file("audit.log"));
}

std::string ControlPlane::run(const std::string& command) const {
  const std::string said = file("said");
  const int status = std::system(fmt::format("( {} ) >{} 2>&1", command, said).c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  if (code == kNotHere) throw NoControlPlane("the binaries of a control plane cannot be had here");
  if (code != 0) throw std::runtime_error(fmt::format("failed: {}\n{}", command, text_of(said)));
  return text_of(said);
}

}  // namespace wp::bench
