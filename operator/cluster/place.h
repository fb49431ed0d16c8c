// Which cluster, which of its namespaces, and where the Lease is: what every command of the
// operator that speaks to a cluster is told in the same way. main()'s thread, before any other.
#pragma once

#include <string>
#include <vector>

#include "base/options.h"

namespace wp::cluster {

struct Place {
  std::string kubeconfig;
  std::vector<std::string> namespaces;  // none: all of them
  std::string lease_namespace = "workerpool-system";
  std::string lease_name = "workerpool-operator";
};

/// Registers the options on a sub-command.
void declare_place(Options& command, Place& place);

}  // namespace wp::cluster
