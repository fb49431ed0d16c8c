#include "ctl/jobs_list.h"

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
using queue::JobState;
using queue::JobView;

constexpr std::size_t kShownText = 40;

// A page of one state.
struct Listed {
  JobState state;
  std::int64_t total = 0;
  std::vector<JobView> jobs;
};

std::vector<JobState> states_of(const std::string& word) {
  if (word == "all") {
    return {JobState::active,  JobState::ready, JobState::alone,
            JobState::delayed, JobState::dead,  JobState::done};
  }
  if (word == "waiting") return {JobState::ready, JobState::alone};
  return {queue::parse_job_state(word)};
}

Listed list(queue::Queue& queue, JobState state, const ListRequest& request) {
  const queue::JobPage page =
      queue.list(state, static_cast<int>(request.offset), static_cast<int>(request.limit));
  Listed listed{state, page.total, {}};
  for (const auto& [id, time] : page.jobs) {
    JobView job = queue.job(id);
    // It has moved on since: it is shown where it is.
    if (job.state != JobState::unknown) listed.jobs.push_back(std::move(job));
  }
  return listed;
}

std::string member(const std::string& result, const char* key) {
  const ordered_json document = ordered_json::parse(result, nullptr, false);
  if (!document.is_object() || !document.contains(key) || document[key].is_null()) return {};
  const ordered_json& value = document[key];
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// The time that matters in its state.
std::string when(const JobView& job, Millis now) {
  switch (job.state) {
    case JobState::delayed:
      return "due in " + human_duration(job.due - now);
    case JobState::active:
      return "lease " + human_duration(job.lease_until - now);
    case JobState::done:
    case JobState::dead:
      return human_duration(now - job.finished) + " ago";
    default:
      return {};
  }
}

std::string note(const JobView& job) {
  if (job.cancelled) return "cancelled: its worker is told";
  std::string text = member(job.result, job.state == JobState::done ? "result" : "error");
  if (job.state == JobState::active) {
    const std::string progress = member(job.result, "progress");
    if (!progress.empty()) text = progress + " % " + member(job.result, "message");
  }
  if (text.size() <= kShownText) return text;
  std::size_t end = kShownText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end) + "...";
}

void print(const Session& session, const std::vector<Listed>& states, Millis now) {
  Table table({{"JOB"},
               {"STATE"},
               {"TYPE"},
               {"PRIORITY", Align::right},
               {"AGE", Align::right},
               {"TRIES", Align::right},
               {"WHEN"},
               {"WORKER"},
               {"NOTE"}});
  std::size_t shown = 0;
  std::string more;
  for (const Listed& listed : states) {
    for (const JobView& job : listed.jobs) {
      const int tries = job.failures + job.crashes + job.losses;
      table.row({job.id, std::string(queue::to_string(job.state)), job.type,
                 std::to_string(job.priority), human_duration(now - job.enqueued),
                 std::to_string(tries), when(job, now), job.worker, note(job)});
    }
    shown += listed.jobs.size();
    const auto left = listed.total - static_cast<std::int64_t>(listed.jobs.size());
    if (left > 0)
      more +=
          fmt::format("{}{} {}", more.empty() ? "" : ", ", left, queue::to_string(listed.state));
  }
  if (shown == 0) {
    std::cout << fmt::format("no such jobs in queue {} at {}\n", session.queue.name(),
                             describe(session.target.endpoint));
  } else {
    std::cout << table.text();
  }
  if (!more.empty()) std::cout << fmt::format("not shown: {} (--state, --limit, --offset)\n", more);
}

ordered_json document_of(const Session& session, const std::vector<Listed>& states) {
  ordered_json totals = ordered_json::object();
  ordered_json jobs = ordered_json::array();
  for (const Listed& listed : states) {
    totals[std::string(queue::to_string(listed.state))] = listed.total;
    for (const JobView& job : listed.jobs) {
      jobs.push_back({{"id", job.id},
                      {"state", queue::to_string(job.state)},
                      {"type", text_or_null(job.type)},
                      {"priority", job.priority},
                      {"enqueued", time_or_null(job.enqueued)},
                      {"due", time_or_null(job.due)},
                      {"finished", time_or_null(job.finished)},
                      {"lease_until", time_or_null(job.lease_until)},
                      {"worker", text_or_null(job.worker)},
                      {"cancelled", job.cancelled},
                      {"failures", job.failures},
                      {"crashes", job.crashes},
                      {"losses", job.losses},
                      {"deferrals", job.deferrals},
                      {"session", text_or_null(job.session)},
                      {"unique", text_or_null(job.unique)},
                      {"error", text_or_null(member(job.result, "error"))}});
    }
  }
  return {{"queue", session.queue.name()},
          {"redis", session.target.endpoint.describe()},
          {"database", session.target.endpoint.database},
          {"totals", std::move(totals)},
          {"jobs", std::move(jobs)}};
}

}  // namespace

int jobs_list(Session& session, const ListRequest& request, Format format) {
  const queue::Counts counts = session.queue.counts();
  if (is_unknown(counts)) throw unknown_queue(session.connection, session.queue.name());
  std::vector<Listed> states;
  for (const JobState state : states_of(request.state)) {
    states.push_back(list(session.queue, state, request));
  }
  if (format == Format::table) {
    print(session, states, counts.now);
  } else {
    std::cout << render(document_of(session, states), format);
  }
  return kDone;
}

}  // namespace wp::ctl
