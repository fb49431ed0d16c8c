#include "ctl/simulate/kept_load.h"

#include <algorithm>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ctl/exit.h"
#include "ctl/near_names.h"

namespace wp::simulate {
namespace {

constexpr int kListPage = 500;

// A dead job has not run as long as it would have; one of an older runner may not say.
std::optional<Job> job_of(const queue::JobView& view) {
  if (view.state != queue::JobState::done) return std::nullopt;
  const nlohmann::json facts = nlohmann::json::parse(view.result, nullptr, false);
  if (!facts.is_object()) return std::nullopt;
  const auto duration = facts.find("duration_ms");
  if (duration == facts.end() || !duration->is_number_integer()) return std::nullopt;
  const Millis ran{std::max<std::int64_t>(1, duration->get<std::int64_t>())};
  return Job{view.enqueued, ran};
}

}  // namespace

Load kept_load(ctl::Session& session) {
  if (ctl::is_unknown(session.queue.counts())) {
    throw ctl::unknown_queue(session.connection, session.queue.name());
  }
  Load load{session.queue.name(), {}};
  for (int offset = 0;; offset += kListPage) {
    const queue::JobPage page = session.queue.list(queue::JobState::done, offset, kListPage);
    for (const auto& [id, finished] : page.jobs) {
      if (const auto job = job_of(session.queue.job(id))) load.jobs.push_back(*job);
    }
    if (page.jobs.size() < kListPage) break;
  }
  if (load.jobs.empty()) {
    throw ctl::CommandError(
        ctl::kNotFound,
        fmt::format("queue {} keeps no completed job to go by (spec.jobs.retention says how many)",
                    load.name));
  }
  std::stable_sort(load.jobs.begin(), load.jobs.end(),
                   [](const Job& a, const Job& b) { return a.arrival < b.arrival; });
  const Micros first = load.jobs.front().arrival;
  for (Job& job : load.jobs) job.arrival -= first;
  return load;
}

}  // namespace wp::simulate
