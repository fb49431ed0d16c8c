#include "ctl/jobs_manage.h"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/options.h"
#include "ctl/near_names.h"
#include "ctl/output/table.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;
using queue::JobState;
using queue::Managed;

constexpr std::size_t kPage = 1000;  // ids of one call

std::vector<Managed> call(queue::Queue& queue, const ManageRequest& request,
                          const std::vector<std::string>& ids) {
  if (request.verb == "cancel") return queue.cancel(ids);
  if (request.verb == "promote") return queue.promote(ids);
  if (request.verb == "redrive") return queue.redrive(ids);
  if (request.verb == "remove") return queue.remove(ids);
  return queue.reprioritise(ids, static_cast<int>(request.priority));
}

std::string_view past(const std::string& verb) {
  if (verb == "cancel") return "cancelled";
  if (verb == "promote") return "promoted";
  if (verb == "redrive") return "redriven";
  if (verb == "remove") return "removed";
  return "reprioritised";
}

std::string outcome(const ManageRequest& request, const Managed& job) {
  if (job.state == JobState::unknown) return "no such job";
  if (!job.changed && request.verb == "remove") return "left: cancel it first";
  if (!job.changed) return "left as it was";
  if (request.verb == "cancel" && job.state == JobState::active) return "its worker is told";
  return std::string(past(request.verb));
}

void print(const Session& session, const ManageRequest& request, const std::vector<Managed>& jobs,
           Format format) {
  if (format == Format::table) {
    Table table({{"JOB"}, {"WAS"}, {"NOW"}});
    for (const Managed& job : jobs) {
      const bool known = job.state != JobState::unknown;
      table.row(
          {job.id, known ? std::string(queue::to_string(job.state)) : "", outcome(request, job)});
    }
    std::cout << table.text();
    return;
  }
  ordered_json list = ordered_json::array();
  std::int64_t changed = 0;
  for (const Managed& job : jobs) {
    list.push_back(
        {{"id", job.id}, {"state", queue::to_string(job.state)}, {"changed", job.changed}});
    changed += job.changed ? 1 : 0;
  }
  std::cout << render({{"queue", session.queue.name()},
                       {"redis", session.target.endpoint.describe()},
                       {"database", session.target.endpoint.database},
                       {"changed", changed},
                       {"jobs", std::move(list)}},
                      format);
}

// Those that are dead now: one that fails again meanwhile must not keep us going for ever.
int redrive_all(Session& session, Format format) {
  const std::int64_t dead = session.queue.counts().dead;
  std::int64_t redriven = 0;
  while (redriven < dead) {
    const auto page = static_cast<int>(std::min<std::int64_t>(dead - redriven, kPage));
    const std::size_t moved = session.queue.redrive_oldest(page).size();
    if (moved == 0) break;
    redriven += static_cast<std::int64_t>(moved);
  }
  if (format == Format::table) {
    std::cout << fmt::format("redriven {} of {} dead jobs; queue {} at {}\n", redriven, dead,
                             session.queue.name(), describe(session.target.endpoint));
  } else {
    std::cout << render({{"queue", session.queue.name()},
                         {"redis", session.target.endpoint.describe()},
                         {"database", session.target.endpoint.database},
                         {"changed", redriven}},
                        format);
  }
  return kDone;
}

}  // namespace

void check_request(const ManageRequest& request) {
  if (request.all != request.ids.empty()) {
    throw UsageError(request.all
                         ? "ID: is one too many beside --all"
                         : fmt::format("ID: is missing; jobs {} QUEUE ID...{}", request.verb,
                                       request.verb == "redrive" ? ", or --all" : ""));
  }
  if (request.verb == "reprioritise" && request.priority < 0) {
    throw UsageError("priority: is missing; jobs reprioritise QUEUE ID... --priority 200");
  }
}

int jobs_manage(Session& session, const ManageRequest& request, Format format) {
  if (is_unknown(session.queue.counts())) {
    throw unknown_queue(session.connection, session.queue.name());
  }
  if (request.all) return redrive_all(session, format);
  std::vector<Managed> jobs;
  for (std::size_t from = 0; from < request.ids.size(); from += kPage) {
    const auto first = request.ids.begin() + static_cast<std::ptrdiff_t>(from);
    const auto count = std::min(kPage, request.ids.size() - from);
    const auto page =
        call(session.queue, request, {first, first + static_cast<std::ptrdiff_t>(count)});
    jobs.insert(jobs.end(), page.begin(), page.end());
  }
  print(session, request, jobs, format);
  const auto count = [&](auto&& fits) { return std::count_if(jobs.begin(), jobs.end(), fits); };
  const auto unknown = count([](const Managed& job) { return job.state == JobState::unknown; });
  const auto left = count([](const Managed& job) { return !job.changed; });
  if (left == 0) return kDone;
  throw CommandError(
      unknown > 0 ? kNotFound : kError,
      fmt::format(
          "{} of {} jobs were not {}: {}", left, jobs.size(), past(request.verb),
          unknown > 0 ? "jobs list shows which there are" : "jobs show tells why, by their state"));
}

}  // namespace wp::ctl
