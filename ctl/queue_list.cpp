#include "ctl/queue_list.h"

#include <fmt/format.h>
#include <iostream>

#include <nlohmann/json.hpp>

#include "ctl/near_names.h"
#include "ctl/output/fields.h"
#include "ctl/output/format.h"
#include "ctl/output/table.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;

struct Line {
  std::string name;
  std::optional<queue::Counts> counts;  // absent: this user may not look into it
};

std::vector<Line> lines_of(redis::Connection& connection, std::vector<std::string> names) {
  std::vector<Line> lines;
  lines.reserve(names.size());
  for (std::string& name : names) {
    Line line{std::move(name), std::nullopt};
    try {
      line.counts = queue::Queue(connection, line.name).counts();
    } catch (const redis::Error& e) {
      if (e.error_class() != redis::ErrorClass::permission) throw;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

ordered_json document_of(const Target& target, const std::vector<Line>& lines, bool all) {
  ordered_json list = ordered_json::array();
  for (const auto& [name, counts] : lines) {
    ordered_json entry = {{"queue", name}, {"readable", counts.has_value()}};
    if (counts) {
      entry["waiting"] = counts->waiting;
      entry["delayed"] = counts->delayed;
      entry["active"] = counts->active;
      entry["dead"] = counts->dead;
      entry["workers"] = counts->workers.size();
      entry["oldest_wait_ms"] = ms_or_null(counts->oldest_wait);
      entry["paused"] = counts->paused;
      entry["owner"] = text_or_null(counts->config_owner);
    }
    list.push_back(std::move(entry));
  }
  return {{"redis", target.endpoint.describe()},
          {"database", target.endpoint.database},
          {"complete", all},
          {"queues", std::move(list)}};
}

void print(const std::vector<Line>& lines) {
  Table table({{"QUEUE"},
               {"WAITING", Align::right},
               {"DELAYED", Align::right},
               {"ACTIVE", Align::right},
               {"DEAD", Align::right},
               {"WORKERS", Align::right},
               {"OLDEST WAIT", Align::right},
               {"PAUSED"},
               {"OWNER"}});
  for (const auto& [name, counts] : lines) {
    if (!counts) {
      table.row({name});
      continue;
    }
    table.row({name, std::to_string(counts->waiting), std::to_string(counts->delayed),
               std::to_string(counts->active), std::to_string(counts->dead),
               std::to_string(counts->workers.size()),
               counts->oldest_wait ? human_duration(*counts->oldest_wait) : "",
               counts->paused ? "yes" : "no", counts->config_owner});
  }
  std::cout << table.text();
}

}  // namespace

int queue_list(const Target& target, Format format) {
  redis::Connection connection(target.endpoint);
  connection.connect();
  FoundQueues found = find_queues(connection);
  const std::vector<Line> lines = lines_of(connection, std::move(found.names));
  if (format != Format::table) {
    std::cout << render(document_of(target, lines, found.all), format);
    return kDone;
  }
  if (lines.empty()) {
    std::cout << fmt::format("no queue was found at {}\n", describe(target.endpoint));
  } else {
    print(lines);
  }
  if (!found.all) {
    std::cout << "\nthere may be more: this database is large, the search was ended\n";
  }
  return kDone;
}

}  // namespace wp::ctl
