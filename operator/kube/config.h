// Where the cluster is and who we are there: from a kubeconfig (--kubeconfig, $KUBECONFIG,
// ~/.kube/config) or from the service account that Kubernetes mounts into a pod. Loading is done
// once in main(); the Credentials that come out of it are shared by all clients and refresh
// themselves. Throws KubeConfigError, one line that names the file or variable and the next step.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "operator/kube/http.h"

namespace wp::kube {

class KubeConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Who we are, to the server. Implementations are thread safe.
class Credentials {
 public:
  virtual ~Credentials() = default;
  /// Authorization and Impersonate-* headers for a request that is sent now. May read a file or
  /// run a plugin; throws KubeError(Transport::token) when nothing usable can be had.
  virtual Headers headers() = 0;
  /// The material for new TLS connections; the same object as long as nothing changed.
  virtual std::shared_ptr<const TlsMaterial> tls() = 0;
  /// The server answered 401 to a request whose headers were asked for at `asked` (steady time).
  /// Answers true when the next headers() may differ, so that one more try makes sense.
  virtual bool refused(Millis asked) = 0;
};

struct ClusterConfig {
  Endpoint endpoint;
  std::shared_ptr<Credentials> credentials;
  std::string default_namespace = "default";  // of the context, or of our own pod
  std::string source;  // for the log at start: "kubeconfig /a/b, context c" or "in-cluster"
};

/// The surroundings, so that tests can bring their own. Defaults are the process's.
struct ConfigEnvironment {
  std::function<std::optional<std::string>(const std::string& name)> variable = {};  // getenv
  std::string service_account_dir = "/var/run/secrets/kubernetes.io/serviceaccount";
  const Clock* clock = nullptr;  // system_clock()
};

struct ConfigChoice {
  std::string kubeconfig = {};  // a path, as from --kubeconfig; empty: $KUBECONFIG and the defaults
  std::string context = {};     // empty: the current one
};

/// The order: an explicit kubeconfig; $KUBECONFIG; in the cluster, when KUBERNETES_SERVICE_HOST is
/// set; ~/.kube/config. What is named but missing or broken is an error, never skipped.
ClusterConfig load_config(const ConfigChoice& choice = {}, const ConfigEnvironment& env = {});

/// The service account of the pod we run in. The token is read again after 60 s at the latest and
/// after a 401; the CA when its file changes.
ClusterConfig in_cluster_config(const ConfigEnvironment& env = {});

/// `paths` is a colon-separated list; files are merged, the first definition of a name wins. Of
/// several, those that do not exist are skipped; a single one has to exist.
ClusterConfig kubeconfig(const std::string& paths, const std::string& context = {},
                         const ConfigEnvironment& env = {});

}  // namespace wp::kube
