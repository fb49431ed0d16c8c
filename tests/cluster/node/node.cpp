#include "tests/cluster/node/node.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "tests/cluster/node/status.h"

namespace wp::testnode {
namespace {

using kube::KubeError;
using kube::PatchType;

constexpr Millis kRenewal{10000};
constexpr Millis kRetry{1000};
constexpr int kLeaseSeconds = 40;
constexpr const char* kLeaseNamespace = "kube-node-lease";

const kube::Resource kNodes{"", "v1", "nodes"};
const kube::Resource kLeases{"coordination.k8s.io", "v1", "leases"};

Json condition(const char* type, bool holds, const char* reason, const std::string& now) {
  return {{"type", type},
          {"status", holds ? "True" : "False"},
          {"reason", reason},
          {"lastHeartbeatTime", now}};
}

Json node_status(const std::string& name) {
  const std::string now = format_time_seconds(system_clock().wall());
  const Json resources = {
      {"cpu", "16"}, {"memory", "64Gi"}, {"pods", "200"}, {"ephemeral-storage", "100Gi"}};
  return {{"capacity", resources},
          {"allocatable", resources},
          {"addresses",
           {{{"type", "InternalIP"}, {"address", kHostAddress}},
            {{"type", "Hostname"}, {"address", name}}}},
          {"conditions",
           {condition("MemoryPressure", false, "KubeletHasSufficientMemory", now),
            condition("DiskPressure", false, "KubeletHasNoDiskPressure", now),
            condition("PIDPressure", false, "KubeletHasSufficientPID", now),
            condition("Ready", true, "KubeletReady", now)}},
          {"nodeInfo",
           {{"machineID", ""},
            {"systemUUID", ""},
            {"bootID", ""},
            {"kernelVersion", ""},
            {"osImage", "processes of this machine"},
            {"containerRuntimeVersion", "process://1"},
            {"kubeletVersion", "v1.34.0-workerpool-test"},
            {"kubeProxyVersion", ""},
            {"operatingSystem", "linux"},
            {"architecture", "amd64"}}}};
}

// metav1.MicroTime: exactly six digits.
std::string micro_time(Millis wall) {
  std::string text = format_time(wall);
  text.insert(text.size() - 1, "000");
  return text;
}

}  // namespace

NodeRegistration::NodeRegistration(kube::Client& client, std::string name)
    : client_(client), name_(std::move(name)) {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      Millis wait = kRenewal;
      try {
        renew();
      } catch (const KubeError& error) {
        if (error.transport() == kube::Transport::stopped) return;
        log::warn("the node cannot be renewed", {{"node", name_}, {"error", error.what()}});
        wait = kRetry;
      }
      wake.wait_for(lock, stop, wait, [] { return false; });
    }
  });
}

void NodeRegistration::renew() {
  renew_status();
  renew_lease();
}

void NodeRegistration::renew_status() {
  const Json node = {{"apiVersion", "v1"},
                     {"kind", "Node"},
                     {"metadata",
                      {{"name", name_},
                       {"labels",
                        {{"kubernetes.io/hostname", name_},
                         {"kubernetes.io/os", "linux"},
                         {"kubernetes.io/arch", "amd64"}}}}},
                     {"status", node_status(name_)}};
  const std::string path = kube::resource_path(kNodes, "", name_);
  Json live;
  try {
    live = client_.patch(path + "/status", PatchType::strategic, {{"status", node["status"]}});
  } catch (const KubeError& error) {
    if (!error.is_not_found()) throw;
    live = client_.create(kube::resource_path(kNodes, ""), node);
  }
  const std::string uid = live.at("metadata").at("uid");
  if (std::exchange(uid_, uid) != uid) log::info("node registered", {{"node", name_}});
}

void NodeRegistration::renew_lease() {
  const Json spec = {{"holderIdentity", name_},
                     {"leaseDurationSeconds", kLeaseSeconds},
                     {"renewTime", micro_time(system_clock().wall())}};
  try {
    client_.patch(kube::resource_path(kLeases, kLeaseNamespace, name_), PatchType::merge,
                  {{"spec", spec}});
  } catch (const KubeError& error) {
    if (!error.is_not_found()) throw;
    const Json owner = {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", name_}, {"uid", uid_}};
    client_.create(kube::resource_path(kLeases, kLeaseNamespace),
                   {{"apiVersion", kLeases.api_version()},
                    {"kind", "Lease"},
                    {"metadata", {{"name", name_}, {"ownerReferences", Json::array({owner})}}},
                    {"spec", spec}});
  }
}

}  // namespace wp::testnode
