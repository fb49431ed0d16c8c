#include "ctl/pools/explain.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ctl/output/format.h"
#include "ctl/output/table.h"
#include "ctl/pools/explain_document.h"
#include "ctl/pools/facts.h"
#include "ctl/pools/next_step.h"
#include "operator/pool/advice.h"
#include "operator/pool/event_reasons.h"

namespace wp::ctl {
namespace {

namespace condition = pool::condition;
namespace cause = pool::cause;
using Lines = std::vector<std::string>;

constexpr std::size_t kLeavingShown = 10;
constexpr std::size_t kWidth = 110;

std::string number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "-";
}

std::string_view workers(int count) {
  return count == 1 ? "worker" : "workers";
}

Lines decision_lines(const PoolFacts& f) {
  if (!f.status.decision) return {"none yet"};
  const pool::DecisionStatus& decision = *f.status.decision;
  const pool::Advice* advice = advice_of(f);
  const std::string time = f.since(decision.time);
  return {fmt::format("{} {}{}: {}{}", decision.replicas, workers(decision.replicas),
                      time.empty() ? "" : " for " + time, printable(decision.cause),
                      advice != nullptr ? fmt::format(", {}", advice->meaning) : ""),
          printable(decision.reason)};
}

// The field that holds the number, how it stands, and what to do unless `next` says the same.
Lines held_lines(const PoolFacts& f, const std::string& next) {
  const pool::Advice* limit = limit_of(f);
  if (limit == nullptr) return {};
  const pool::Condition* active = f.status.condition(condition::kScalingActive);
  // Who paused it is not in the spec alone.
  if (active != nullptr && limit->word == cause::kPaused && active->reason == cause::kPaused) {
    return {printable(active->message)};
  }
  const std::string value = f.value_of(limit->field);
  std::string line = fmt::format("spec.{}{}", limit->field, value.empty() ? "" : " = " + value);
  if (limit->step != next && !is_rolled_back(f)) line += fmt::format(": {}", limit->step);
  return {line};
}

Lines queue_lines(const PoolFacts& f) {
  if (!f.status.queue) return {};
  const pool::QueueStatus& queue = *f.status.queue;
  const std::string name = printable(queue.name);
  if (!queue.waiting) return {name + ": cannot be read now, so nothing is known of it"};
  std::string line = fmt::format("{}: {} waiting", name, number(queue.waiting));
  if (queue.oldest_wait_seconds && *queue.waiting > 0) {
    line += fmt::format(" (the oldest for {})",
                        human_duration(Millis{*queue.oldest_wait_seconds * 1000}));
  }
  line += fmt::format(", {} delayed, {} running, {} dead", number(queue.delayed),
                      number(queue.active), number(queue.dead));
  if (queue.backpressure.value_or(false)) line += "; enqueues are refused";
  return {line};
}

Lines worker_lines(const PoolFacts& f) {
  if (!f.status.replicas) return {};
  std::string line =
      fmt::format("{} there, {} ready", *f.status.replicas, f.status.ready_replicas.value_or(0));
  if (f.status.workers) {
    const pool::WorkersStatus& w = *f.status.workers;
    line += fmt::format(": {} busy, {} idle", w.busy, w.idle);
    for (const auto& [count, word] :
         {std::pair{w.retiring, "retiring"}, {w.stalled, "stalled"}, {w.silent, "silent"}}) {
      if (count > 0) line += fmt::format(", {} {}", count, word);
    }
  }
  Lines lines = {line};
  const pool::Condition* ready = f.status.condition(condition::kReady);
  if (ready != nullptr && ready->reason == pool::reason::kProgressing) {
    lines.push_back(printable(ready->message));
  }
  return lines;
}

Lines leaving_lines(const PoolFacts& f) {
  const auto& leaving = f.shown.leaving;
  if (leaving.empty()) return {};
  Lines names;
  for (const LeavingWorker& one : leaving) {
    if (names.size() == kLeavingShown) break;
    names.push_back(printable(one.name) + (one.ending ? " (ends)" : ""));
  }
  std::string line = fmt::format("{}", fmt::join(names, ", "));
  if (leaving.size() > names.size()) {
    line += fmt::format(" and {} more", leaving.size() - names.size());
  }
  return {line};
}

Lines job_lines(const PoolFacts& f) {
  if (!f.status.jobs) return {};
  const pool::JobsStatus& jobs = *f.status.jobs;
  Lines parts;
  if (jobs.throughput_per_minute) {
    parts.push_back(fmt::format("{} a minute", *jobs.throughput_per_minute));
  }
  if (jobs.success_percent) parts.push_back(fmt::format("{} % succeed", *jobs.success_percent));
  if (jobs.average_duration_ms) {
    parts.push_back(
        fmt::format("runs took {} on average", human_duration(Millis{*jobs.average_duration_ms})));
  }
  if (jobs.p95_duration_ms) {
    parts.push_back(fmt::format("95 % within {}", human_duration(Millis{*jobs.p95_duration_ms})));
  }
  std::string line = fmt::format("{}", fmt::join(parts, ", "));
  if (!line.empty()) line = "ended in the last 10 min: " + line + "; ";
  return {line + fmt::format("in all: {} completed, {} failed attempts", number(jobs.completed),
                             number(jobs.failed))};
}

std::string trouble_line(const PoolFacts& f, const pool::Condition& one) {
  const std::string time = f.since(one.last_transition_time);
  const std::string reason = one.reason == one.type ? "" : " (" + printable(one.reason) + ")";
  return fmt::format("{}{}{}: {}", one.type, time.empty() ? "" : " for " + time, reason,
                     printable(one.message));
}

Lines trouble_lines(const PoolFacts& f) {
  Lines lines;
  for (const pool::Condition* one : troubles_of(f.status)) lines.push_back(trouble_line(f, *one));
  if (is_rolled_back(f)) lines.push_back("the ramp is rolled back, see Ramp");
  if (lines.empty()) lines.push_back("none");
  return lines;
}

std::string headline_of(const PoolFacts& f) {
  const auto replicas = [](const std::optional<int>& n) { return n ? std::to_string(*n) : "-"; };
  return fmt::format("{}: {} {} wanted, {} ready, {}", printable(f.shown.key()),
                     replicas(f.status.desired_replicas),
                     workers(f.status.desired_replicas.value_or(0)),
                     replicas(f.status.ready_replicas),
                     f.status.health ? to_string(*f.status.health) : "health not known");
}

// Broken between words so that with the margin before it no line is wider than kWidth. What is to
// be copied into a shell stays whole.
Lines broken(const std::string& line, std::size_t margin) {
  const bool is_command = line.starts_with("kubectl ") || line.starts_with("workerpoolctl ");
  if (is_command || line.size() + margin <= kWidth) return {line};
  Lines parts = {""};
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    const std::string word = line.substr(begin, end - begin);
    if (!parts.back().empty() && margin + parts.back().size() + 1 + word.size() > kWidth) {
      parts.push_back(word);
    } else {
      parts.back() += (parts.back().empty() ? "" : " ") + word;
    }
    begin = end + 1;
  }
  return parts;
}

}  // namespace

std::string Explanation::text() const {
  std::size_t width = 0;
  for (const Section& section : sections) width = std::max(width, section.title.size());
  std::string out = headline + "\n\n";
  for (const Section& section : sections) {
    std::string_view title = section.title;
    for (const std::string& line : section.lines) {
      for (const std::string& part : broken(line, width + 2)) {
        out += fmt::format("{:<{}}  {}\n", title, width, part);
        title = "";
      }
    }
  }
  return out;
}

Explanation explain(const ShownPool& shown, Millis now) {
  const PoolFacts facts = facts_of(shown, now);
  const NextStep next = next_step(facts);
  Explanation made;
  made.headline = headline_of(facts);
  const auto add = [&made](const char* title, Lines lines) {
    if (!lines.empty()) made.sections.push_back({title, std::move(lines)});
  };
  add("Decision", decision_lines(facts));
  add("Held by", held_lines(facts, next.what));
  add("Queue", queue_lines(facts));
  add("Workers", worker_lines(facts));
  add("Leaving", leaving_lines(facts));
  add("Jobs", job_lines(facts));
  add("Inputs", input_lines(facts));
  add("Ramp", ramp_lines(facts));
  add("Schedules", schedule_lines(facts));
  add("Found in", {printable(shown.source)});
  add("Trouble", trouble_lines(facts));
  add("Next", {next.what});
  if (!next.command.empty()) made.sections.back().lines.push_back(next.command);
  made.document = explain_document(facts, next);
  return made;
}

}  // namespace wp::ctl
