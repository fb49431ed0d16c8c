// What the operator may do and must be able to do: the one table behind the chart's roles,
// docs/rbac.md (tests hold both against it) and `workerpool-operator check`. Pure data.
#pragma once

#include <array>
#include <string_view>

namespace wp::cluster {

enum class Where {
  pools,  // in every namespace whose pools are served
  home,   // in the operator's own
};

struct Right {
  std::string_view verb;
  std::string_view group;     // empty: the core group
  std::string_view resource;  // with its subresource: deployments/scale
  Where where = Where::pools;
  std::string_view reason;
};

inline constexpr std::array kRights = {
    Right{"get", "workerpool.dev", "workerpools", Where::pools, "read what is declared"},
    Right{"list", "workerpool.dev", "workerpools", Where::pools, "read what is declared"},
    Right{"watch", "workerpool.dev", "workerpools", Where::pools, "read what is declared"},
    Right{"patch", "workerpool.dev", "workerpools", Where::pools,
          "the finalizer of queue.onDelete: Purge"},
    Right{"patch", "workerpool.dev", "workerpools/status", Where::pools, "write the status"},
    Right{"update", "workerpool.dev", "workerpools/finalizers", Where::pools,
          "own the Deployment, so that it goes with its pool (blockOwnerDeletion)"},
    Right{"get", "apps", "deployments", Where::pools, "see the workers' Deployment"},
    Right{"list", "apps", "deployments", Where::pools, "see the workers' Deployment"},
    Right{"watch", "apps", "deployments", Where::pools, "see the workers' Deployment"},
    Right{"create", "apps", "deployments", Where::pools, "make it"},
    Right{"patch", "apps", "deployments", Where::pools, "keep it as declared"},
    Right{"get", "apps", "deployments/scale", Where::pools, "set the number of workers"},
    Right{"patch", "apps", "deployments/scale", Where::pools, "set the number of workers"},
    Right{"get", "apps", "replicasets", Where::pools,
          "see a rollout, and that marks on pods were seen before one is removed"},
    Right{"list", "apps", "replicasets", Where::pools, "as above"},
    Right{"watch", "apps", "replicasets", Where::pools, "as above"},
    Right{"get", "", "pods", Where::pools, "see the workers"},
    Right{"list", "", "pods", Where::pools, "see the workers"},
    Right{"watch", "", "pods", Where::pools, "see the workers"},
    Right{"patch", "", "pods", Where::pools, "mark those that leave"},
    Right{"delete", "", "pods", Where::pools, "replace a worker that is silent or stalled"},
    Right{"get", "", "secrets", Where::pools,
          "the credentials of a queue, by the name that its pool gives; they can't be listed"},
    Right{"create", "events.k8s.io", "events", Where::pools, "tell what happens"},
    Right{"patch", "events.k8s.io", "events", Where::pools, "tell that it happens again"},
    Right{"create", "coordination.k8s.io", "leases", Where::home, "elect a leader"},
    Right{"get", "coordination.k8s.io", "leases", Where::home, "elect a leader: its own Lease"},
    Right{"update", "coordination.k8s.io", "leases", Where::home, "elect a leader: its own Lease"},
};

}  // namespace wp::cluster
