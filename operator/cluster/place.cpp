#include "operator/cluster/place.h"

namespace wp::cluster {

void declare_place(Options& command, Place& place) {
  command
      .text(
          {.name = "kubeconfig",
           .help = "the cluster's kubeconfig; default: $KUBECONFIG, the pod's service account, or "
                   "~/.kube/config",
           .placeholder = "FILE"},
          place.kubeconfig)
      .list({.name = "namespace",
             .env = "WP_NAMESPACE",
             .help = "watch this namespace only; may be given up to 20 times; default all",
             .placeholder = "NAME"},
            place.namespaces)
      .text({.name = "lease-namespace",
             .env = "WP_LEASE_NAMESPACE",
             .help = "the namespace of the Lease",
             .placeholder = "NAME"},
            place.lease_namespace)
      .text({.name = "lease-name",
             .env = "WP_LEASE_NAME",
             .help = "the name of the Lease",
             .placeholder = "NAME"},
            place.lease_name);
}

}  // namespace wp::cluster
