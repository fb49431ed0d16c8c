#include "operator/scaling/budget.h"

#include <algorithm>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/quantity.h"

namespace wp::scaling {
namespace {

using nlohmann::json;

constexpr std::int64_t kMost = std::int64_t{1} << 62;

const json* find(const json* in, const char* name) {
  if (in == nullptr || !in->is_object()) return nullptr;
  const auto found = in->find(name);
  return found == in->end() || found->is_null() ? nullptr : &*found;
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
  return std::min(kMost, a + b);
}

struct Resource {
  const char* name;
  int parts;  // of one: how it is counted
};

// "500m", or a plain number as YAML has it.
std::optional<std::int64_t> amount_of(const json* amounts, const Resource& resource) {
  const json* amount = find(amounts, resource.name);
  if (amount == nullptr) return std::nullopt;
  if (amount->is_number()) return parse_quantity(amount->dump(), resource.parts);
  if (!amount->is_string()) return std::nullopt;
  return parse_quantity(amount->get_ref<const std::string&>(), resource.parts);
}

std::optional<std::int64_t> requested(const json* holder, const Resource& resource) {
  const json* resources = find(holder, "resources");
  const auto request = amount_of(find(resources, "requests"), resource);
  return request ? request : amount_of(find(resources, "limits"), resource);
}

bool is_sidecar(const json& container) {
  const json* policy = find(&container, "restartPolicy");
  return policy != nullptr && *policy == "Always";
}

std::optional<std::int64_t> request_of(const json* spec, const Resource& resource) {
  const auto overhead = amount_of(find(spec, "overhead"), resource);
  std::optional<std::int64_t> total = requested(spec, resource);
  if (!total) {
    bool any = false;
    const auto of = [&](const json& container) {
      const auto request = requested(&container, resource);
      any = any || request;
      return request.value_or(0);
    };
    std::int64_t sidecars = 0;
    std::int64_t starting = 0;  // the most that any init container needs, with what runs then
    if (const json* list = find(spec, "initContainers"); list != nullptr && list->is_array()) {
      for (const json& container : *list) {
        const std::int64_t own = of(container);
        if (is_sidecar(container)) sidecars = sum(sidecars, own);
        starting = std::max(starting, is_sidecar(container) ? sidecars : sum(sidecars, own));
      }
    }
    std::int64_t running = sidecars;
    if (const json* list = find(spec, "containers"); list != nullptr && list->is_array()) {
      for (const json& container : *list) running = sum(running, of(container));
    }
    if (any) total = std::max(running, starting);
  }
  if (!total && !overhead) return std::nullopt;
  return sum(total.value_or(0), overhead.value_or(0));
}

}  // namespace

PodRequest request_of(const json& pod_template) {
  const json* spec = find(&pod_template, "spec");
  return {request_of(spec, {"cpu", 1000}), request_of(spec, {"memory", 1})};
}

BudgetCap cap_of(const Budget& budget, const PodRequest& request) {
  BudgetCap cap;
  const auto count = [&](const char* name, const std::optional<std::int64_t>& in,
                         const std::optional<std::int64_t>& each) {
    if (!in) return;
    if (each.value_or(0) <= 0) {
      if (!cap.problem.empty()) cap.problem += "; ";
      cap.problem +=
          fmt::format("budget.{0} counts nothing: no container of the workers requests {0}", name);
      return;
    }
    const auto fit = static_cast<int>(std::clamp<std::int64_t>(*in / *each, 0, 1000000));
    cap.workers = cap.workers ? std::min(*cap.workers, fit) : fit;
  };
  count("cpu", budget.cpu_millis, request.cpu_millis);
  count("memory", budget.memory, request.memory);
  return cap;
}

}  // namespace wp::scaling
