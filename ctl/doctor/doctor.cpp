#include "ctl/doctor/doctor.h"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>

#include <nlohmann/json.hpp>

#include "ctl/check.h"
#include "ctl/doctor/port.h"
#include "ctl/doctor/queue.h"
#include "ctl/doctor/rights.h"
#include "ctl/doctor/server.h"
#include "ctl/near_names.h"
#include "ctl/output/fields.h"
#include "ctl/output/table.h"
#include "queue/queue.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostQueues = 50;

std::string_view word(Level level) {
  switch (level) {
    case Level::ok:
      return "ok";
    case Level::unknown:
      return "unknown";
    case Level::warn:
      return "warn";
    case Level::fail:
      return "FAIL";
  }
  return "FAIL";
}

std::int64_t count(const Findings& findings, Level level) {
  return std::count_if(findings.begin(), findings.end(),
                       [&](const Finding& finding) { return finding.level == level; });
}

void add(Findings& to, Findings from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

void look_at_queue(redis::Connection& connection, const DoctorRequest& request,
                   const Target& target, const std::string& name, Findings& findings) {
  queue::Queue queue(connection, name);
  try {
    const queue::Counts counts = queue.counts({.worker_info = true});
    add(findings, judge_queue(name, counts, queue.read_config()));
    const std::int64_t jobs =
        counts.waiting + counts.delayed + counts.active + counts.dead + counts.done;
    if (jobs > kMostChecked && !request.deep) {
      findings.push_back(check_left_away(name, jobs));
    } else {
      findings.push_back(judge_check(name, jobs, run_check(target, name)));
    }
  } catch (const redis::Error& e) {
    if (e.error_class() != redis::ErrorClass::permission) throw;
    findings.push_back(
        {Level::unknown, "queue", "this user may not look into it", "see its rights above", name});
  }
}

std::vector<std::string> queues_of(redis::Connection& connection, const DoctorRequest& request,
                                   Findings& findings) {
  if (!request.queue.empty()) return {request.queue};
  std::vector<std::string> names;
  try {
    names = find_queues(connection).names;
  } catch (const redis::Error& e) {
    if (e.error_class() != redis::ErrorClass::permission) throw;
    findings.push_back({Level::unknown, "queues", "SCAN is forbidden to this user",
                        "name a queue: doctor QUEUE", ""});
    return {};
  }
  if (names.empty()) {
    findings.push_back({Level::warn, "queues", "none in this database",
                        "a pool or a runner makes it; is it this database?", ""});
  }
  if (names.size() > kMostQueues) {
    findings.push_back({Level::unknown, "queues",
                        fmt::format("{} of {} are looked at", kMostQueues, names.size()),
                        "name a queue: doctor QUEUE", ""});
    names.resize(kMostQueues);
  }
  return names;
}

// A Redis that can't write its disk answers even a PING by an error (MISCONF): it is there all the
// same, and what follows says what it lacks.
void greet(redis::Connection& connection) {
  try {
    (void)connection.execute({"PING"});
  } catch (const redis::Error& e) {
    const bool there = e.error_class() == redis::ErrorClass::server ||
                       e.error_class() == redis::ErrorClass::permission;
    if (!there) throw;
  }
}

Findings look(const DoctorRequest& request, const Target& target) {
  Findings findings;
  try {
    redis::Connection connection(target.endpoint);
    connection.connect();
    greet(connection);
    if (auto finding = look_for_sentinel(connection)) return {std::move(*finding)};
    findings.push_back({Level::ok, "redis", "answers at " + describe(target.endpoint), "", ""});
    add(findings, judge_server(read_server(connection)));
    const auto names = queues_of(connection, request, findings);
    findings.push_back(
        look_at_rights(connection, names.empty() ? "doctor" : names.front(), request.role));
    if (names.size() != 1) findings.back().queue.clear();
    for (const std::string& name : names) {
      look_at_queue(connection, request, target, name, findings);
    }
  } catch (const redis::Error& e) {
    if (auto finding = look_at_protocol(target.endpoint, e)) {
      findings.push_back(std::move(*finding));
      return findings;
    }
    // "Redis at …: Refused: …; what to do".
    const std::string text = to_command_error(e, target).what();
    const std::size_t advice = text.rfind("; ");
    findings.push_back({Level::fail, "redis", text.substr(0, advice),
                        advice == std::string::npos ? "" : text.substr(advice + 2), ""});
  }
  return findings;
}

void print(const Findings& findings) {
  Table table({{"STATE"}, {"QUEUE"}, {"CHECK"}, {"FOUND"}});
  for (const Finding& finding : findings) {
    table.row({std::string(word(finding.level)), finding.queue, finding.what,
               finding.found + (finding.advice.empty() ? "" : " -> " + finding.advice)});
  }
  std::cout << table.text();
  const std::int64_t failed = count(findings, Level::fail);
  const std::int64_t warned = count(findings, Level::warn);
  const std::int64_t unknown = count(findings, Level::unknown);
  std::cout << fmt::format("\n{} failed, {} warnings, {} unknown, {} ok\n", failed, warned, unknown,
                           count(findings, Level::ok));
}

ordered_json document_of(const Findings& findings, const Target& target) {
  ordered_json list = ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"level", finding.level == Level::fail ? "fail" : word(finding.level)},
                    {"queue", text_or_null(finding.queue)},
                    {"check", finding.what},
                    {"found", finding.found},
                    {"advice", text_or_null(finding.advice)}});
  }
  return {{"redis", target.endpoint.describe()},        {"database", target.endpoint.database},
          {"failed", count(findings, Level::fail)},     {"warnings", count(findings, Level::warn)},
          {"unknown", count(findings, Level::unknown)}, {"findings", std::move(list)}};
}

}  // namespace

int doctor(const DoctorRequest& request, const Target& target, Format format) {
  const Findings findings = look(request, target);
  if (format == Format::table) {
    print(findings);
  } else {
    std::cout << render(document_of(findings, target), format);
  }
  return count(findings, Level::fail) == 0 ? kDone : kError;
}

}  // namespace wp::ctl
