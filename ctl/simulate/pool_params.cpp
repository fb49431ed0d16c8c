#include "ctl/simulate/pool_params.h"

#include <fmt/format.h>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/options.h"
#include "ctl/simulate/text_file.h"
#include "operator/pool/parse.h"
#include "operator/pool/yaml.h"
#include "operator/scaling/budget.h"
#include "operator/sizing/params_of.h"

namespace wp::simulate {
namespace {

std::vector<std::string> notes_of(const pool::PoolSpec& spec) {
  std::vector<std::string> notes;
  const auto left_out = [&](bool present, const char* field, const char* instead) {
    if (present) notes.push_back(fmt::format("{} is not simulated: {}", field, instead));
  };
  left_out(spec.replicas.has_value(), "spec.replicas", "the size is what the policy says");
  left_out(spec.pause != pool::Pause::none, "spec.pause", "nothing stands still");
  left_out(spec.queue.type != pool::QueueType::jobs, "spec.queue.type",
           "the queue counts and its workers are seen, as with type Jobs");
  left_out(spec.scaling.ramp.has_value(), "spec.scaling.ramp", "maxReplicas holds from the start");
  left_out(!spec.scaling.schedules.empty(), "spec.scaling.schedules",
           "a load has no time of day; try --min");
  left_out(spec.jobs.rate.jobs > 0, "spec.jobs.rate", "every free slot takes a job");
  return notes;
}

void add_budget(scaling::Params& params, std::vector<std::string>& notes,
                const pool::PoolSpec& spec) {
  const pool::Budget& budget = spec.scaling.budget;
  if (!budget.cpu_millis && !budget.memory) return;
  const scaling::BudgetCap cap = scaling::cap_of({budget.cpu_millis, budget.memory},
                                                 scaling::request_of(spec.workers.pod_template));
  params.budget = cap.workers;
  if (!cap.problem.empty()) notes.push_back("spec.scaling." + cap.problem);
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
  // A pause and a fixed size are of the moment, and the queue is simulated as one of ours.
  scaling::Params params = sizing::params_of(parsed.pool.spec);
  params.pause = scaling::Pause::none;
  params.fixed.reset();
  params.foreign = false;
  params.hold_while_active = false;
  std::vector<std::string> notes = notes_of(parsed.pool.spec);
  add_budget(params, notes, parsed.pool.spec);
  return {params, std::move(notes)};
}

PoolParams read_pool_params(const std::string& file) {
  return parse_pool_params(read_text(file), shown_name(file));
}

}  // namespace wp::simulate
