#include "ctl/pools/explain_document.h"

#include <fmt/format.h>

#include "ctl/output/fields.h"
#include "operator/pool/advice.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;

ordered_json word_or_null(std::string_view word) {
  return word.empty() ? ordered_json(nullptr) : ordered_json(word);
}

ordered_json field_or_null(std::string_view field) {
  return field.empty() ? ordered_json(nullptr) : ordered_json(fmt::format("spec.{}", field));
}

ordered_json decision_document(const PoolFacts& f) {
  if (!f.status.decision) return nullptr;
  const pool::DecisionStatus& decision = *f.status.decision;
  const pool::Advice* advice = advice_of(f);
  return {{"replicas", decision.replicas},
          {"cause", decision.cause},
          {"meaning", word_or_null(advice != nullptr ? advice->meaning : "")},
          {"reason", decision.reason},
          {"time", text_or_null(decision.time)}};
}

ordered_json held_document(const PoolFacts& f) {
  const pool::Advice* limit = limit_of(f);
  if (limit == nullptr) return nullptr;
  return {{"field", field_or_null(limit->field)},
          {"value", text_or_null(f.value_of(limit->field))},
          {"step", limit->step}};
}

ordered_json leaving_document(const PoolFacts& f) {
  ordered_json list = ordered_json::array();
  for (const LeavingWorker& one : f.shown.leaving) {
    list.push_back({{"name", one.name}, {"ending", one.ending}});
  }
  return list;
}

ordered_json trouble_document(const PoolFacts& f) {
  ordered_json list = ordered_json::array();
  for (const pool::Condition* one : troubles_of(f.status)) {
    list.push_back({{"condition", one->type},
                    {"reason", one->reason},
                    {"message", one->message},
                    {"since", text_or_null(one->last_transition_time)},
                    {"field", field_or_null(pool::advice_on_trouble(one->type)->field)}});
  }
  return list;
}

}  // namespace

ordered_json explain_document(const PoolFacts& f, const NextStep& next) {
  const pool::Status& s = f.status;
  ordered_json document = {{"pool", f.shown.key()},
                           {"source", f.shown.source},
                           {"generation", f.parsed.pool.meta.generation},
                           {"observed_generation", s.observed_generation},
                           {"health", word_or_null(s.health ? to_string(*s.health) : "")},
                           {"decision", decision_document(f)},
                           {"held_by", held_document(f)},
                           {"desired", or_null(s.desired_replicas)},
                           {"existing", or_null(s.replicas)},
                           {"ready", or_null(s.ready_replicas)}};
  // As they are stored: their names are the resource's.
  const ordered_json stored = ordered_json::parse(to_json(s).dump());
  for (const char* part : {"queue", "workers", "jobs"}) {
    document[part] = stored.contains(part) ? stored.at(part) : ordered_json(nullptr);
  }
  document["leaving"] = leaving_document(f);
  document["inputs"] = input_document(f);
  document["ramp"] = ramp_document(f);
  document["schedules"] = schedule_document(f);
  document["trouble"] = trouble_document(f);
  document["next"] = {{"step", next.what}, {"command", text_or_null(next.command)}};
  return document;
}

}  // namespace wp::ctl
