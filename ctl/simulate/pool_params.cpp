#include "ctl/simulate/pool_params.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/options.h"
#include "ctl/simulate/text_file.h"
#include "operator/pool/parse.h"
#include "operator/pool/yaml.h"

namespace wp::simulate {
namespace {

scaling::Policy policy_of(pool::Policy policy) {
  switch (policy) {
    case pool::Policy::look_ahead:
      return scaling::Policy::look_ahead;
    case pool::Policy::slot_per_job:
      return scaling::Policy::slot_per_job;
    case pool::Policy::threshold:
      return scaling::Policy::threshold;
    case pool::Policy::target_depth:
      return scaling::Policy::target_depth;
  }
  return scaling::Policy::look_ahead;
}

scaling::Headroom headroom_of(pool::Headroom headroom) {
  switch (headroom) {
    case pool::Headroom::low:
      return scaling::Headroom::low;
    case pool::Headroom::normal:
      return scaling::Headroom::normal;
    case pool::Headroom::high:
      return scaling::Headroom::high;
  }
  return scaling::Headroom::normal;
}

scaling::Params params_of(const pool::PoolSpec& spec) {
  const pool::Scaling& s = spec.scaling;
  scaling::Params params;
  params.policy = policy_of(s.policy);
  params.look_ahead = {s.look_ahead.target_wait, headroom_of(s.look_ahead.headroom),
                       s.look_ahead.expected_duration};
  params.threshold = {s.threshold.up_at_percent, s.threshold.down_at_percent, s.threshold.step,
                      s.threshold.target_depth, s.threshold.cooldown};
  params.jobs_per_worker = s.jobs_per_worker;
  params.concurrency = spec.workers.concurrency;
  params.min_replicas = s.min_replicas;
  params.max_replicas = s.max_replicas;
  params.spare_workers = s.spare_workers;
  params.max_active = spec.jobs.max_active;
  params.scale_to_zero_after = s.scale_to_zero_after;
  params.scale_down_window = s.scale_down_window;
  params.up_workers = s.max_scale_up.workers;
  params.up_percent = s.max_scale_up.percent;
  params.up_period = s.max_scale_up.period;
  return params;
}

std::vector<std::string> notes_of(const pool::PoolSpec& spec) {
  std::vector<std::string> notes;
  const auto left_out = [&](bool present, const char* field, const char* instead) {
    if (present) notes.push_back(fmt::format("{} is not simulated: {}", field, instead));
  };
  left_out(spec.replicas.has_value(), "spec.replicas", "the size is what the policy says");
  left_out(spec.pause != pool::Pause::none, "spec.pause", "nothing stands still");
  left_out(spec.scaling.ramp.has_value(), "spec.scaling.ramp", "maxReplicas holds from the start");
  left_out(!spec.scaling.schedules.empty(), "spec.scaling.schedules",
           "a load has no time of day; try --min");
  left_out(spec.scaling.budget.cpu_millis || spec.scaling.budget.memory, "spec.scaling.budget",
           "maxReplicas holds; try --max");
  left_out(spec.jobs.rate.jobs > 0, "spec.jobs.rate", "every free slot takes a job");
  return notes;
}

// Local mode's pools need no pods, but a handler; those of a cluster the other way round.
bool is_for_a_cluster(const nlohmann::json& pool) {
  const nlohmann::json::json_pointer workers("/spec/workers");
  if (!pool.contains(workers) || !pool[workers].is_object()) return false;
  return pool[workers].contains("template") || pool[workers].contains("deploymentRef");
}

}  // namespace

PoolParams parse_pool_params(std::string_view yaml, const std::string& shown) {
  std::vector<nlohmann::json> pools;
  try {
    for (nlohmann::json& document : pool::yaml_documents(yaml)) {
      const bool other = document.is_object() && document.contains("kind") &&
                         document["kind"].is_string() && document["kind"] != pool::kKind;
      if (!other) pools.push_back(std::move(document));
    }
  } catch (const pool::YamlError& e) {
    throw UsageError(fmt::format("{}: {}", shown, e.what()));
  }
  if (pools.size() != 1) {
    throw UsageError(fmt::format("{}: holds {} WorkerPools; allowed: one", shown, pools.size()));
  }
  // What this version of the operator can't do yet says nothing about its size.
  const pool::ParsedPool parsed =
      pool::read_pool(pools[0], {.strict = true, .local = !is_for_a_cluster(pools[0])});
  if (!parsed.problems.empty()) {
    throw UsageError(fmt::format("{}: {}", shown, pool::summary(parsed.problems)));
  }
  return {params_of(parsed.pool.spec), notes_of(parsed.pool.spec)};
}

PoolParams read_pool_params(const std::string& file) {
  return parse_pool_params(read_text(file), shown_name(file));
}

}  // namespace wp::simulate
