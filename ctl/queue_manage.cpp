#include "ctl/queue_manage.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/options.h"
#include "ctl/near_names.h"
#include "ctl/output/fields.h"
#include "ctl/output/table.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;
using queue::JobState;

constexpr std::int64_t kPurgePage = 1000;

queue::Counts known_counts(Session& session) {
  queue::Counts counts = session.queue.counts();
  if (is_unknown(counts)) throw unknown_queue(session.connection, session.queue.name());
  return counts;
}

// One line for people, one document for programs.
void say(const Session& session, Format format, const std::string& line,
         const ordered_json& members) {
  if (format == Format::table) {
    std::cout << fmt::format("{}; queue {} at {}\n", printable(line), session.queue.name(),
                             describe(session.target.endpoint));
    return;
  }
  ordered_json document = {{"queue", session.queue.name()},
                           {"redis", session.target.endpoint.describe()},
                           {"database", session.target.endpoint.database}};
  document.update(members);
  std::cout << render(document, format);
}

}  // namespace

std::string person() {
  for (const char* variable : {"SUDO_USER", "USER"}) {
    const char* const name = std::getenv(variable);
    if (name != nullptr && *name != '\0') return std::string(name).substr(0, 64);
  }
  return "somebody";
}

int queue_pause(Session& session, const std::string& by, Format format) {
  (void)known_counts(session);
  if (by.size() > 64) throw UsageError("by: allowed are at most 64 bytes");
  const std::string before = session.queue.pause(by);
  say(session, format,
      fmt::format("paused by {}{}: running jobs finish, none is claimed until queue resume", by,
                  before.empty() ? "" : ", before by " + before),
      {{"paused_by", by}, {"before", text_or_null(before)}});
  return kDone;
}

int queue_resume(Session& session, Format format) {
  (void)known_counts(session);
  const std::string before = session.queue.resume();
  const bool still = session.queue.counts().paused;
  std::string line =
      before.empty() ? "no person had paused it" : "resumed, was paused by " + before;
  if (still) line += "; its pool's spec pauses it still";
  say(session, format, line, {{"before", text_or_null(before)}, {"paused", still}});
  return kDone;
}

int queue_purge(Session& session, const std::string& state, Format format) {
  const queue::Counts counts = known_counts(session);
  const auto there = [&]() -> std::pair<JobState, std::int64_t> {
    if (state == "waiting") return {JobState::ready, counts.waiting};
    if (state == "delayed") return {JobState::delayed, counts.delayed};
    if (state == "done") return {JobState::done, counts.done};
    if (state == "dead") return {JobState::dead, counts.dead};
    throw UsageError("state: is missing; queue purge QUEUE --state waiting, delayed, done or dead");
  };
  // What comes in meanwhile stays.
  const auto [of, most] = there();
  queue::Purged purged{0, most};
  std::int64_t dropped = 0;
  while (dropped < most) {
    purged = session.queue.purge(of, static_cast<int>(std::min(most - dropped, kPurgePage)));
    if (purged.dropped == 0) break;
    dropped += purged.dropped;
  }
  say(session, format, fmt::format("dropped {} {} jobs, {} left", dropped, state, purged.left),
      {{"state", state}, {"dropped", dropped}, {"left", purged.left}});
  return kDone;
}

}  // namespace wp::ctl
