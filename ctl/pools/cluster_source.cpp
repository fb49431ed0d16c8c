// Pools of a cluster, read through the operator's own Kubernetes client.
#include <algorithm>
#include <fmt/format.h>

#include "ctl/output/table.h"
#include "ctl/pools/source.h"
#include "operator/kube/client.h"
#include "operator/kube/document.h"
#include "operator/pool/pool.h"
#include "operator/pool/status.h"

namespace wp::ctl {
namespace {

using nlohmann::json;

const kube::Resource kPools{"workerpool.dev", "v1alpha1", std::string(pool::kPlural)};
const kube::Resource kPods{"", "v1", "pods"};
constexpr Millis kTimeout{10000};

std::string_view next_step(const kube::KubeError& error) {
  if (error.is_unauthorized()) return "; are the credentials of the kubeconfig still valid?";
  if (error.is_forbidden()) return "; ask for the right to get and list workerpools there";
  if (error.code() != 0) return "";
  return error.transport() == kube::Transport::connect ||
                 error.transport() == kube::Transport::timeout
             ? "; name another cluster with --kubeconfig or --context, local pools with --local"
             : "";
}

class ClusterPools final : public PoolSource {
 public:
  explicit ClusterPools(const PoolsRequest& request)
      : config_(kube::load_config({request.kubeconfig, request.context})),
        client_(config_, {.user_agent = "workerpoolctl/" WORKERPOOL_VERSION, .timeout = kTimeout}),
        ns_(request.all_namespaces ? ""
            : request.ns.empty()   ? config_.default_namespace
                                   : request.ns) {}

  std::vector<ShownPool> list() override { return list_in(ns_); }

  ShownPool find(const std::string& name) override {
    const std::size_t slash = name.find('/');
    const std::string ns = slash == std::string::npos ? home() : name.substr(0, slash);
    if (name.empty()) {
      std::vector<ShownPool> all = list_in(ns_);
      if (all.size() != 1) throw unknown_pool(name, place(ns_), all);
      return with_leaving(std::move(all.front()));
    }
    const std::string own = slash == std::string::npos ? name : name.substr(slash + 1);
    try {
      return with_leaving(
          {client_.get(kube::resource_path(kPools, ns, own)), config_.source, {}, false});
    } catch (const kube::KubeError& error) {
      if (!error.is_not_found()) throw to_error(error);
    }
    throw unknown_pool(name, place(ns), list_in(ns));
  }

 private:
  std::string home() const { return ns_.empty() ? config_.default_namespace : ns_; }

  std::string place(const std::string& ns) const {
    return ns.empty() ? fmt::format("the cluster ({})", config_.source)
                      : fmt::format("namespace {} ({})", ns, config_.source);
  }

  std::vector<ShownPool> list_in(const std::string& ns) {
    try {
      json items = client_.list(kube::resource_path(kPools, ns)).at("items");
      std::vector<ShownPool> all;
      for (json& item : items) all.push_back({std::move(item), config_.source, {}, false});
      std::sort(all.begin(), all.end(),
                [](const ShownPool& a, const ShownPool& b) { return a.key() < b.key(); });
      return all;
    } catch (const kube::KubeError& error) {
      if (error.is_not_found()) {
        throw CommandError(kNotFound,
                           fmt::format("the cluster ({}) knows no WorkerPools: kubectl apply -f "
                                       "manifests/install.yaml installs them",
                                       config_.source));
      }
      throw to_error(error);
    }
  }

  // Who may not list pods sees how many leave all the same: the status says it.
  ShownPool with_leaving(ShownPool shown) {
    const pool::Status status =
        pool::status_from_json(shown.object.value("status", json::object()));
    if (status.selector.empty() || status.replicas.value_or(0) == 0) return shown;
    try {
      const json pods =
          client_.list(kube::resource_path(kPods, kube::metadata_text(shown.object, "namespace")),
                       {.label_selector = status.selector});
      for (const json& pod : pods.at("items")) {
        const std::string name = kube::metadata_text(pod, "name");
        if (!kube::metadata_text(pod, "deletionTimestamp").empty()) {
          shown.leaving.push_back({name, true});
        } else if (pod.at("metadata")
                       .value("labels", json::object())
                       .value("workerpool.dev/state", "") == "retiring") {
          shown.leaving.push_back({name, false});
        }
      }
    } catch (const kube::KubeError&) {
    } catch (const json::exception&) {
      // A label that is no text: not one of ours.
    }
    return shown;
  }

  CommandError to_error(const kube::KubeError& error) const {
    return {error.code() == 0 || error.is_unauthorized() || error.is_forbidden() ? kUnreachable
                                                                                 : kError,
            fmt::format("the API server ({}): {}: {}{}", config_.source, error.error_class(),
                        printable(error.what()), next_step(error))};
  }

  kube::ClusterConfig config_;
  kube::Client client_;
  std::string ns_;  // empty: all of them
};

}  // namespace

std::unique_ptr<PoolSource> cluster_pools(const PoolsRequest& request) {
  return std::make_unique<ClusterPools>(request);
}

}  // namespace wp::ctl
