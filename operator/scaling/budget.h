// How many pods fit into a budget of CPU and memory, by what their template requests, counted as
// the scheduler counts it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace wp::scaling {

/// What one pod takes; absent: it requests none, and may take any amount.
struct PodRequest {
  std::optional<std::int64_t> cpu_millis;
  std::optional<std::int64_t> memory;  // bytes
};

/// Of a pod template: the containers together, or an init container if that is more; sidecars (init
/// containers with restartPolicy Always) count beside both; the pod's overhead is added. A limit
/// stands for a request that is absent. A request for the whole pod (spec.resources) replaces all.
PodRequest request_of(const nlohmann::json& pod_template);

/// Absent: that resource has no budget.
struct Budget {
  std::optional<std::int64_t> cpu_millis;
  std::optional<std::int64_t> memory;
};

struct BudgetCap {
  std::optional<int> workers;  // nothing: no budget that can be counted
  std::string problem;  // "budget.cpu counts nothing: no container of the template requests cpu"
};
BudgetCap cap_of(const Budget& budget, const PodRequest& request);

}  // namespace wp::scaling
