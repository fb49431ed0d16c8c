// Where WorkerPools are looked up: in a cluster, through the kubeconfig, or among the local pools
// that run on this machine. Owned by the main thread. Every call throws CommandError (4: no such
// pool, 69: the API server does not answer or does not let us in).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ctl/exit.h"

namespace wp::ctl {

/// A worker on its way out.
struct LeavingWorker {
  std::string name;
  bool ending = false;  // told to end; else it is retiring: it claims nothing
};

/// One pool as it is stored.
struct ShownPool {
  nlohmann::json object;  // the WorkerPool, with its status
  std::string source;     // for people: where it was found
  std::vector<LeavingWorker> leaving;
  bool local = false;  // of local mode: kubectl knows nothing of it

  /// "namespace/name"
  std::string key() const;
};

struct PoolsRequest {
  std::string name;  // NAME or namespace/NAME; empty: the only one
  std::string kubeconfig;
  std::string context;
  std::string ns;
  bool all_namespaces = false;
  bool local = false;  // pools of this machine only
  bool wide = false;
  bool watch = false;
  /// Something of it names a cluster: then no local pool is looked for.
  bool names_cluster() const {
    return !kubeconfig.empty() || !context.empty() || !ns.empty() || all_namespaces;
  }
};

class PoolSource {
 public:
  virtual ~PoolSource() = default;
  /// All that the request asks for, in order of their names.
  virtual std::vector<ShownPool> list() = 0;
  /// By NAME or namespace/NAME, with who is leaving; an empty name is the only pool there is.
  virtual ShownPool find(const std::string& name) = 0;
};

/// The local pools whose documents are in `folder`. What a killed local mode left is passed over.
std::unique_ptr<PoolSource> local_pools(const std::string& folder);

/// The cluster's. Throws kube::KubeConfigError when there is no (usable) kubeconfig.
std::unique_ptr<PoolSource> cluster_pools(const PoolsRequest& request);

/// The error for a pool that is not there: with near names out of `known`.
CommandError unknown_pool(const std::string& name, const std::string& where,
                          const std::vector<ShownPool>& known);

}  // namespace wp::ctl
