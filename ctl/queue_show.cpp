#include "ctl/queue_show.h"

#include <fmt/format.h>
#include <iostream>

#include <nlohmann/json.hpp>

#include "ctl/check.h"
#include "ctl/near_names.h"
#include "ctl/output/fields.h"
#include "ctl/output/format.h"
#include "ctl/output/table.h"
#include "ctl/workers_list.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;

struct StateCount {
  const char* state;
  std::int64_t jobs;
};

std::vector<StateCount> states_of(const queue::Counts& counts) {
  return {{"waiting", counts.waiting},
          {"delayed", counts.delayed},
          {"active", counts.active},
          {"done", counts.done},
          {"dead", counts.dead}};
}

std::vector<std::optional<double>> shares_of(const std::vector<StateCount>& states) {
  std::vector<std::optional<std::int64_t>> parts;
  parts.reserve(states.size());
  for (const StateCount& state : states) parts.emplace_back(state.jobs);
  return shares(parts);
}

// Buckets of histograms are named <what>:<bucket>; people get the plain counters.
bool is_bucket(const std::string& counter) {
  return counter.find(':') != std::string::npos;
}

ordered_json document_of(const Session& session, const queue::Counts& counts,
                         const std::string& broken) {
  ordered_json document = {{"queue", session.queue.name()},
                           {"redis", session.target.endpoint.describe()},
                           {"database", session.target.endpoint.database},
                           {"at", format_time(counts.now)}};
  const auto states = states_of(counts);
  const auto percents = shares_of(states);
  ordered_json list = ordered_json::object();
  for (std::size_t i = 0; i < states.size(); ++i) {
    list[states[i].state] = {{"jobs", states[i].jobs}, {"share", or_null(percents[i])}};
  }
  document["states"] = std::move(list);
  document["due"] = counts.due;
  document["next_due"] = time_or_null(counts.next_due.value_or(Millis{0}));
  document["oldest_wait_ms"] = ms_or_null(counts.oldest_wait);
  document["bytes"] = counts.bytes;
  document["paused"] = counts.paused;
  document["paused_by"] = text_or_null(counts.paused_by);
  document["workers"] = counts.workers.size();
  document["broken"] = text_or_null(broken);
  document["config"] = {{"present", counts.config_present},
                        {"owner", text_or_null(counts.config_owner)},
                        {"hash", text_or_null(counts.config_hash)},
                        {"term", counts.config_term}};
  document["counters"] = counts.stat;
  document["types"] = counts.types;
  return document;
}

void print_tables(const Session& session, const queue::Counts& counts, const std::string& broken) {
  std::cout << fmt::format("queue {} at {}\n\n", session.queue.name(),
                           describe(session.target.endpoint));
  const auto states = states_of(counts);
  const auto percents = shares_of(states);
  Table state_table({{"STATE"}, {"JOBS", Align::right}, {"SHARE %", Align::right}});
  for (std::size_t i = 0; i < states.size(); ++i) {
    state_table.row({states[i].state, std::to_string(states[i].jobs), percent(percents[i])});
  }
  std::cout << state_table.text() << "\n";

  Table facts({{""}, {""}});
  facts.row({"oldest wait", counts.oldest_wait ? human_duration(*counts.oldest_wait) : ""});
  facts.row({"due now", std::to_string(counts.due)});
  facts.row({"next due in", counts.next_due ? human_duration(*counts.next_due - counts.now) : ""});
  facts.row({"bytes", human_bytes(counts.bytes)});
  facts.row({"paused", !counts.paused             ? "no"
                       : counts.paused_by.empty() ? "yes"
                                                  : "by " + counts.paused_by});
  facts.row({"workers", std::to_string(counts.workers.size())});
  if (!broken.empty()) facts.row({"broken", broken});
  facts.row({"owner", counts.config_owner});
  facts.row({"config hash", counts.config_hash});
  std::cout << facts.text();

  Table counters({{"COUNTER"}, {"TOTAL", Align::right}});
  bool any = false;
  for (const auto& [name, value] : counts.stat) {
    if (is_bucket(name)) continue;
    counters.row({name, std::to_string(value)});
    any = true;
  }
  if (any) std::cout << "\n" << counters.text();

  if (!counts.types.empty()) {
    Table types({{"TYPE"}, {"WAITING", Align::right}});
    for (const auto& [name, waiting] : counts.types) types.row({name, std::to_string(waiting)});
    std::cout << "\n" << types.text();
  }
}

queue::Counts known_counts(Session& session) {
  queue::Counts counts = session.queue.counts({.worker_info = true});
  if (is_unknown(counts)) throw unknown_queue(session.connection, session.queue.name());
  return counts;
}

}  // namespace

int queue_show(Session& session, Format format) {
  const queue::Counts counts = known_counts(session);
  const std::string broken = broken_handlers(worker_rows(counts, lease_of(session))).text();
  if (format == Format::table) {
    print_tables(session, counts, broken);
  } else {
    std::cout << render(document_of(session, counts, broken), format);
  }
  return kDone;
}

int queue_check(Session& session, Format format) {
  (void)known_counts(session);
  const std::vector<std::string> violations = run_check(session.target, session.queue.name());
  if (format == Format::table) {
    std::cout << fmt::format("queue {} at {}: {}\n", session.queue.name(),
                             describe(session.target.endpoint),
                             violations.empty() ? "every invariant holds"
                                                : fmt::format("{} violations", violations.size()));
    for (const std::string& violation : violations) std::cout << printable(violation) << "\n";
  } else {
    const ordered_json document = {{"queue", session.queue.name()},
                                   {"redis", session.target.endpoint.describe()},
                                   {"database", session.target.endpoint.database},
                                   {"violations", violations}};
    std::cout << render(document, format);
  }
  return violations.empty() ? kDone : kError;
}

}  // namespace wp::ctl
