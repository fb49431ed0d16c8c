#include "ctl/pools/facts.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

#include "base/units.h"
#include "ctl/output/fields.h"
#include "ctl/output/format.h"
#include "ctl/output/table.h"
#include "operator/kube/timestamp.h"
#include "operator/pool/event_reasons.h"
#include "operator/pool/normalize.h"
#include "operator/scaling/schedule.h"

namespace wp::ctl {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr Millis kDefaultStart{5000};  // of a pod, until it is measured
constexpr Millis kShortestWindow{10000};
constexpr Millis kLongestWindow{60000};
constexpr int kWindowStarts = 3;

Millis start_of(const PoolFacts& f) {
  if (!f.status.measured || !f.status.measured->start_ms) return kDefaultStart;
  return Millis{*f.status.measured->start_ms};
}

Millis window_of(const PoolFacts& f) {
  return f.declared().scaling.scale_down_window.value_or(
      std::clamp(kWindowStarts * start_of(f), kShortestWindow, kLongestWindow));
}

// As it was declared, or as it was measured.
std::string spell_window(const PoolFacts& f) {
  const auto& declared = f.declared().scaling.scale_down_window;
  return declared ? format_duration(*declared) : human_duration(window_of(f));
}

std::string_view name_of(pool::Headroom headroom) {
  switch (headroom) {
    case pool::Headroom::low:
      return "Low";
    case pool::Headroom::normal:
      return "Normal";
    case pool::Headroom::high:
      break;
  }
  return "High";
}

std::string policy_line(const PoolFacts& f) {
  const pool::Scaling& s = f.declared().scaling;
  std::string line = fmt::format("{}: ", to_string(s.policy));
  switch (s.policy) {
    case pool::Policy::look_ahead:
      return line + fmt::format(
                        "works off within {} what waits when a pod started now is ready; "
                        "headroom {}",
                        format_duration(s.look_ahead.target_wait), name_of(s.look_ahead.headroom));
    case pool::Policy::slot_per_job:
      return line + "a slot for each job that waits or runs";
    case pool::Policy::target_depth:
      return line + fmt::format("a worker for every {} jobs", s.jobs_per_worker);
    case pool::Policy::threshold:
      break;
  }
  line += fmt::format("more above {} % waiting jobs per worker, fewer below {} %",
                      s.threshold.up_at_percent, s.threshold.down_at_percent);
  if (s.threshold.step > 0) line += fmt::format(", {} at a time", s.threshold.step);
  if (s.threshold.target_depth > 0) {
    line += fmt::format(", one more above {} waiting", s.threshold.target_depth);
  }
  return line + fmt::format("; one change per {}", format_duration(s.threshold.cooldown));
}

std::string bounds_line(const PoolFacts& f) {
  const pool::PoolSpec& spec = f.declared();
  const pool::Scaling& s = spec.scaling;
  const int slots = spec.workers.concurrency;
  std::string line = fmt::format("{} to {} workers, {} {} at once each", s.min_replicas,
                                 s.max_replicas, slots, slots == 1 ? "job" : "jobs");
  if (s.spare_workers > 0) line += fmt::format(", {} spare", s.spare_workers);
  if (spec.jobs.max_active > 0) line += fmt::format(", {} jobs in all", spec.jobs.max_active);
  if (s.budget.cpu_millis) line += fmt::format(", budget {}m CPU", *s.budget.cpu_millis);
  if (s.budget.memory) line += fmt::format(", budget {} memory", human_bytes(*s.budget.memory));
  if (spec.replicas) line += fmt::format("; fixed at {} by spec.replicas", *spec.replicas);
  if (spec.pause != pool::Pause::none) line += fmt::format("; pause {}", to_string(spec.pause));
  return line;
}

std::string measured_line(const PoolFacts& f) {
  const auto measured = f.status.measured.value_or(pool::MeasuredStatus{});
  // Not the average of the runs that ended (see Jobs): that has seen only the short ones while long
  // ones run, and it is slow to notice a change.
  const std::string service =
      measured.service_ms
          ? fmt::format("estimate: {} a job (about the last 2 min, with those that still run)",
                        human_duration(Millis{*measured.service_ms}))
          : fmt::format("estimate: {} a job (expectedDuration, as none was measured yet)",
                        format_duration(f.declared().scaling.look_ahead.expected_duration));
  const std::string start =
      measured.start_ms
          ? fmt::format("a pod starts in {}", human_duration(start_of(f)))
          : fmt::format("no pod start measured yet ({} assumed)", format_duration(kDefaultStart));
  return service + ", " + start;
}

std::string pace_line(const PoolFacts& f) {
  const pool::Scaling& s = f.declared().scaling;
  return fmt::format(
      "up: at most {} or {} % more per {}; down: after {} below{}; to zero: after {}",
      s.max_scale_up.workers, s.max_scale_up.percent, format_duration(s.max_scale_up.period),
      spell_window(f), s.scale_down_window ? "" : fmt::format(" ({} pod starts)", kWindowStarts),
      format_duration(s.scale_to_zero_after));
}

// Whether a schedule holds now, and when that changes.
struct Standing {
  bool holds = false;
  std::optional<Millis> next_edge;
};

Standing standing_of(const pool::Schedule& one, Millis now) {
  try {
    scaling::Schedules schedules({{one.name, one.time_zone, one.start, one.end, one.min_replicas}});
    return {schedules.floor(now).has_value(), schedules.next_edge(now)};
  } catch (const std::invalid_argument&) {
    // The operator says so in InvalidSpec; here it only tells nothing.
    return {};
  }
}

const pool::RampStep* step_of(const PoolFacts& f) {
  const auto& ramp = f.declared().scaling.ramp;
  if (!ramp || !f.status.ramp) return nullptr;
  const int step = f.status.ramp->step;
  if (step < 1 || step > static_cast<int>(ramp->steps.size())) return nullptr;
  return &ramp->steps[static_cast<std::size_t>(step - 1)];
}

}  // namespace

std::optional<Millis> PoolFacts::age(const std::string& time) const {
  const auto at = kube::parse_timestamp(time);
  if (!at) return std::nullopt;
  return std::max(Millis{0}, now - *at);
}

std::string PoolFacts::since(const std::string& time) const {
  const auto passed = age(time);
  return passed ? human_duration(*passed) : std::string();
}

std::string PoolFacts::value_of(std::string_view field) const {
  std::string path = "/" + std::string(field);
  std::replace(path.begin(), path.end(), '.', '/');
  const json::json_pointer where(path);
  if (!spec.contains(where)) return {};
  const json& value = spec.at(where);
  if (value.is_string()) return printable(value.get<std::string>());
  return value.is_primitive() && !value.is_null() ? value.dump() : std::string();
}

PoolFacts facts_of(const ShownPool& shown, Millis now) {
  PoolFacts facts{.shown = shown, .now = now, .parsed = {}, .spec = {}, .status = {}};
  // What a newer or an older operator stored is read as far as it goes.
  facts.parsed = pool::read_pool(shown.object, {.local = true, .foreign_queue_names = true});
  std::vector<pool::SpecProblem> ignored;
  facts.spec = pool::normalize_spec(shown.object, {.local = true}, ignored);
  facts.status = pool::status_from_json(shown.object.value("status", json::object()));
  return facts;
}

std::vector<std::string> input_lines(const PoolFacts& f) {
  return {policy_line(f), bounds_line(f), measured_line(f), pace_line(f)};
}

ordered_json input_document(const PoolFacts& f) {
  const pool::PoolSpec& spec = f.declared();
  const auto measured = f.status.measured.value_or(pool::MeasuredStatus{});
  return {{"policy", to_string(spec.scaling.policy)},
          {"min", spec.scaling.min_replicas},
          {"max", spec.scaling.max_replicas},
          {"concurrency", spec.workers.concurrency},
          {"spare", spec.scaling.spare_workers},
          {"max_active", spec.jobs.max_active},
          {"fixed", or_null(spec.replicas)},
          {"pause", to_string(spec.pause)},
          {"service_ms", or_null(measured.service_ms)},
          {"start_ms", or_null(measured.start_ms)},
          {"scale_down_window_ms", window_of(f).count()},
          {"scale_to_zero_after_ms", spec.scaling.scale_to_zero_after.count()}};
}

std::vector<std::string> ramp_lines(const PoolFacts& f) {
  const auto& ramp = f.declared().scaling.ramp;
  if (!ramp || !f.status.ramp) return {};
  const pool::RampStatus& at = *f.status.ramp;
  const std::string time = at.since.empty() ? "" : " for " + f.since(at.since);
  if (at.state == pool::ramp_state::kRolledBack) {
    std::vector<std::string> lines = {
        fmt::format("rolled back to {} {}{}: {}", ramp->rollback_to,
                    ramp->rollback_to == 1 ? "worker" : "workers", time,
                    at.trigger.empty() ? "a trigger fired" : printable(at.trigger))};
    if (!at.jobs.empty()) {
      std::string jobs = "jobs:";
      for (const std::string& id : at.jobs) jobs += " " + printable(id);
      lines.push_back(jobs);
    }
    return lines;
  }
  const pool::RampStep* step = step_of(f);
  if (at.state == pool::ramp_state::kComplete || step == nullptr) {
    return {fmt::format("complete{}: the pool's own bounds hold", time)};
  }
  std::string line = fmt::format("step {} of {}{}: {} to {} workers", at.step, ramp->steps.size(),
                                 time, step->min_replicas, step->max_replicas);
  if (const auto passed = f.age(at.since)) {
    const Millis left = step->stable_for - *passed;
    line += fmt::format("; without a trigger the next begins in {}", human_duration(left));
  }
  return {line};
}

ordered_json ramp_document(const PoolFacts& f) {
  const auto& ramp = f.declared().scaling.ramp;
  if (!ramp || !f.status.ramp) return nullptr;
  const pool::RampStatus& at = *f.status.ramp;
  return {{"step", at.step},
          {"steps", ramp->steps.size()},
          {"state", at.state},
          {"since", text_or_null(at.since)},
          {"trigger", text_or_null(at.trigger)},
          {"jobs", at.jobs},
          {"rollback_to", ramp->rollback_to}};
}

std::vector<std::string> schedule_lines(const PoolFacts& f) {
  std::vector<std::string> lines;
  for (const pool::Schedule& one : f.declared().scaling.schedules) {
    const Standing standing = standing_of(one, f.now);
    std::string line = fmt::format("{}: at least {} from \"{}\" to \"{}\", {}", printable(one.name),
                                   one.min_replicas, printable(one.start), printable(one.end),
                                   printable(one.time_zone));
    if (standing.next_edge) {
      line += fmt::format("; {} {}", standing.holds ? "holds for" : "begins in",
                          human_duration(*standing.next_edge));
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

ordered_json schedule_document(const PoolFacts& f) {
  ordered_json list = ordered_json::array();
  for (const pool::Schedule& one : f.declared().scaling.schedules) {
    list.push_back({{"name", one.name},
                    {"min", one.min_replicas},
                    {"start", one.start},
                    {"end", one.end},
                    {"time_zone", one.time_zone},
                    {"holds", standing_of(one, f.now).holds}});
  }
  return list;
}

}  // namespace wp::ctl
