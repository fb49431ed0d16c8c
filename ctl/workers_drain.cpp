#include "ctl/workers_drain.h"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/options.h"
#include "ctl/near_names.h"
#include "ctl/output/table.h"
#include "ctl/workers_list.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;
using queue::RetiredBy;

constexpr std::size_t kMostWorkers = 5;

// <pod uid>/<process> → the uid.
std::string pod_of(const std::string& worker) {
  return worker.substr(0, worker.rfind('/'));
}

// The uids that are meant, each once, in the order named.
std::vector<std::string> pods_of(Session& session, const std::vector<std::string>& names) {
  if (names.empty()) throw UsageError("WORKER: is missing; workers list shows them");
  const queue::Counts counts = session.queue.counts({.worker_info = true});
  if (is_unknown(counts)) throw unknown_queue(session.connection, session.queue.name());
  const std::vector<WorkerRow> rows = worker_rows(counts, lease_of(session));
  std::vector<std::string> pods;
  for (const std::string& name : names) {
    std::string pod;
    for (const WorkerRow& row : rows) {
      if (name == row.worker || name == row.pod || name == pod_of(row.worker)) {
        pod = pod_of(row.worker);
      }
    }
    // One that is away may still be retired.
    for (const queue::Retirement& retired : counts.retired) {
      if (pod.empty() && (name == retired.pod || pod_of(name) == retired.pod)) pod = retired.pod;
    }
    if (pod.empty()) {
      std::vector<std::string> known;
      for (const WorkerRow& row : rows) known.push_back(row.worker);
      known = nearest(known, name, kMostWorkers);
      throw CommandError(
          kNotFound, fmt::format("no worker or pod {} in queue {} at {}; {}", printable(name),
                                 session.queue.name(), describe(session.target.endpoint),
                                 known.empty() ? "no worker beats there"
                                               : printable(fmt::format("workers there: {}",
                                                                       fmt::join(known, ", ")))));
    }
    if (std::find(pods.begin(), pods.end(), pod) == pods.end()) pods.push_back(pod);
  }
  return pods;
}

ordered_json document_of(const Session& session, ordered_json pods) {
  return {{"queue", session.queue.name()},
          {"redis", session.target.endpoint.describe()},
          {"database", session.target.endpoint.database},
          {"pods", std::move(pods)}};
}

}  // namespace

int workers_drain(Session& session, const std::vector<std::string>& names, Format format) {
  const std::vector<std::string> pods = pods_of(session, names);
  const auto held = session.queue.retire(pods, RetiredBy::person, 0);
  Table table({{"POD"}, {"STATE"}, {"RUNNING", Align::right}});
  ordered_json list = ordered_json::array();
  for (std::size_t i = 0; i < pods.size(); ++i) {
    const int running = held && i < held->size() ? (*held)[i] : 0;
    const char* const state = running == 0 ? "drained" : "draining";
    table.row({pods[i], state, std::to_string(running)});
    list.push_back({{"pod", pods[i]}, {"state", state}, {"running", running}});
  }
  std::cout << (format == Format::table ? table.text()
                                        : render(document_of(session, std::move(list)), format));
  return kDone;
}

int workers_undrain(Session& session, const std::vector<std::string>& names, Format format) {
  const std::vector<std::string> pods = pods_of(session, names);
  const int undone = session.queue.unretire(pods, RetiredBy::person, 0).value_or(0);
  if (format != Format::table) {
    ordered_json document = document_of(session, pods);
    document["undrained"] = undone;
    std::cout << render(document, format);
  } else {
    std::cout << fmt::format("undrained {} of {}; queue {} at {}\n", undone, pods.size(),
                             session.queue.name(), describe(session.target.endpoint));
  }
  return kDone;
}

}  // namespace wp::ctl
