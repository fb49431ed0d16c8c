#include "ctl/workers_list.h"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>

#include <nlohmann/json.hpp>

#include "ctl/near_names.h"
#include "ctl/output/fields.h"
#include "ctl/output/format.h"
#include "ctl/output/table.h"

namespace wp::ctl {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kShownJobs = 2;

std::optional<std::int64_t> number(const json& info, const char* key) {
  const auto found = info.find(key);
  if (found == info.end() || !found->is_number_integer()) return std::nullopt;
  const auto value = found->get<std::int64_t>();
  return value >= 0 ? std::optional(value) : std::nullopt;
}

std::string text(const json& info, const char* key) {
  const auto found = info.find(key);
  return found != info.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<bool> flag(const json& info, const char* key) {
  const auto found = info.find(key);
  return found != info.end() && found->is_boolean() ? std::optional(found->get<bool>())
                                                    : std::nullopt;
}

std::optional<std::vector<std::string>> running_of(const json& info) {
  const auto found = info.find("running");
  if (found == info.end() || !found->is_array()) return std::nullopt;
  std::vector<std::string> ids;
  for (const json& job : *found) {
    std::string id = job.is_object() ? text(job, "id") : std::string();
    if (!id.empty()) ids.push_back(std::move(id));
  }
  return ids;
}

WorkerRow row_of(const queue::WorkerCounts& counts, Millis now, Millis lease) {
  WorkerRow row;
  row.worker = counts.worker;
  row.busy = counts.held;
  row.beat_age = std::max(Millis{0}, now - counts.last_beat);
  row.retired = counts.retired;
  row.silent = row.beat_age >= lease;
  const json info = json::parse(counts.info, nullptr, false);
  if (!info.is_object()) return row;
  row.broken = flag(info, "broken");
  if (row.broken.value_or(false)) row.trouble = text(info, "trouble");
  row.draining = flag(info, "draining").value_or(false);
  row.slots = number(info, "slots");
  if (!row.silent) row.running = running_of(info);
  row.executed = number(info, "executed");
  row.failed = number(info, "failed");
  row.rss = number(info, "rss");
  row.handlers_rss = number(info, "handlers_rss");
  row.container_memory = number(info, "container_memory");
  if (const auto seconds = number(info, "uptime_s"); seconds && !row.silent) {
    // Whatever was written there, the product has to stay a number.
    row.uptime = Millis{std::min<std::int64_t>(*seconds, 1'000'000'000) * 1000};
  }
  row.version = text(info, "version");
  row.pod = text(info, "pod");
  row.node = text(info, "node");
  return row;
}

std::string jobs_cell(const WorkerRow& row) {
  if (!row.running) return {};
  std::string cell;
  for (std::size_t i = 0; i < row.running->size() && i < kShownJobs; ++i) {
    cell += (i > 0 ? "," : "") + (*row.running)[i];
  }
  // Workers tell at most 20; Redis knows how many there are.
  const auto all = std::max<std::size_t>(row.running->size(), static_cast<std::size_t>(row.busy));
  if (!cell.empty() && all > kShownJobs) cell += fmt::format(" +{}", all - kShownJobs);
  return cell;
}

// A pod by its name, which says more than its uid.
const std::string& shown_name(const WorkerRow& row) {
  return row.pod.empty() ? row.worker : row.pod;
}

std::string state_of(const WorkerRow& row) {
  if (row.silent) return "silent";
  if (row.draining) return "draining";
  if (row.broken.value_or(false)) return "broken";
  return row.retired ? "retiring" : "serving";
}

ordered_json document_of(const Session& session, const std::vector<WorkerRow>& rows) {
  ordered_json list = ordered_json::array();
  for (const WorkerRow& row : rows) {
    list.push_back({{"worker", row.worker},
                    {"state", state_of(row)},
                    {"trouble", text_or_null(row.trouble)},
                    {"pod", text_or_null(row.pod)},
                    {"node", text_or_null(row.node)},
                    {"slots", or_null(row.slots)},
                    {"busy", row.busy},
                    {"running", or_null(row.running)},
                    {"executed", or_null(row.executed)},
                    {"failed", or_null(row.failed)},
                    {"share", or_null(row.share)},
                    {"rss", or_null(row.rss)},
                    {"handlers_rss", or_null(row.handlers_rss)},
                    {"container_memory", or_null(row.container_memory)},
                    {"beat_age_ms", row.beat_age.count()},
                    {"uptime_ms", ms_or_null(row.uptime)},
                    {"version", text_or_null(row.version)}});
  }
  return {{"queue", session.queue.name()},
          {"redis", session.target.endpoint.describe()},
          {"database", session.target.endpoint.database},
          {"workers", std::move(list)}};
}

}  // namespace

Millis lease_of(Session& session) {
  constexpr std::int64_t kDefault = 15000;
  try {
    return Millis{session.queue.read_config().number("lease_ms", kDefault)};
  } catch (const redis::Error& e) {
    if (e.error_class() != redis::ErrorClass::permission) throw;
    return Millis{kDefault};
  }
}

std::vector<WorkerRow> worker_rows(const queue::Counts& counts, Millis lease) {
  std::vector<WorkerRow> rows;
  rows.reserve(counts.workers.size());
  for (const queue::WorkerCounts& worker : counts.workers) {
    rows.push_back(row_of(worker, counts.now, lease));
  }
  std::sort(rows.begin(), rows.end(),
            [](const WorkerRow& a, const WorkerRow& b) { return a.worker < b.worker; });
  std::vector<std::optional<std::int64_t>> executed;
  executed.reserve(rows.size());
  for (const WorkerRow& row : rows) executed.push_back(row.executed);
  const auto percents = shares(executed);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].share = percents[i];
  return rows;
}

BrokenHandlers broken_handlers(const std::vector<WorkerRow>& rows) {
  BrokenHandlers found;
  for (const WorkerRow& row : rows) {
    if (row.silent) continue;
    ++found.beating;
    if (!row.broken.value_or(false)) continue;
    ++found.broken;
    if (row.running && !row.running->empty()) ++found.running;
    if (found.why.empty()) found.why = row.trouble;
  }
  return found;
}

std::string BrokenHandlers::text() const {
  if (broken == 0) return {};
  std::string line =
      running == 0
          ? fmt::format("the handler of {} of {} workers cannot run", broken, beating)
          : fmt::format(
                "the handler of {} of {} workers has trouble, {} of them run jobs all the same",
                broken, beating, running);
  if (!why.empty()) line += ": " + printable(why);
  return line;
}

int workers_list(Session& session, bool wide, Format format) {
  const queue::Counts counts = session.queue.counts({.worker_info = true});
  if (is_unknown(counts)) throw unknown_queue(session.connection, session.queue.name());
  const std::vector<WorkerRow> rows = worker_rows(counts, lease_of(session));
  if (format != Format::table) {
    std::cout << render(document_of(session, rows), format);
    return kDone;
  }
  if (rows.empty()) {
    std::cout << fmt::format("no worker beats on queue {} at {}\n", session.queue.name(),
                             describe(session.target.endpoint));
    return kDone;
  }
  std::vector<Column> columns{{"WORKER"},
                              {"STATE"},
                              {"SLOTS", Align::right},
                              {"BUSY", Align::right},
                              {"JOBS"},
                              {"EXECUTED", Align::right},
                              {"FAILED", Align::right},
                              {"SHARE %", Align::right},
                              {"RSS", Align::right},
                              {"BEAT", Align::right},
                              {"UPTIME", Align::right},
                              {"VERSION"}};
  if (wide) columns.insert(columns.end(), {{"NODE"}, {"ID"}});
  Table table(std::move(columns));
  for (const WorkerRow& row : rows) {
    table.row({shown_name(row), state_of(row), cell(row.slots), std::to_string(row.busy),
               jobs_cell(row), cell(row.executed), cell(row.failed), percent(row.share),
               row.rss ? human_bytes(*row.rss) : "", human_duration(row.beat_age),
               row.uptime ? human_duration(*row.uptime) : "", row.version, row.node, row.worker});
  }
  std::cout << table.text();
  if (const std::string text = broken_handlers(rows).text(); !text.empty()) {
    std::cout << "\n" << text << "\n";
  }
  return kDone;
}

}  // namespace wp::ctl
