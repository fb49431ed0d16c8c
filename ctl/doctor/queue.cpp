#include "ctl/doctor/queue.h"

#include <algorithm>
#include <fmt/format.h>

#include "ctl/output/format.h"
#include "ctl/output/table.h"
#include "ctl/workers_list.h"

namespace wp::ctl {
namespace {

constexpr Millis kLongWait{60'000};
constexpr std::int64_t kDefaultLease = 15'000;

Finding configuration(const queue::Counts& counts, const queue::Config& config) {
  if (!counts.config_present) {
    return {Level::fail, "configuration", "none: producers are told that nobody serves it",
            "apply its pool, or start a runner; is it this Redis and this database?", ""};
  }
  if (counts.config_owner == "orphaned") {
    return {Level::fail, "configuration", "its pool was deleted: producers are refused",
            "apply a pool for it; jobs dead and waiting are still there", ""};
  }
  const std::int64_t format = config.number("format", queue::kFormat);
  if (format > queue::kFormat) {
    return {Level::fail, "configuration",
            fmt::format("format {}, this program knows {}", format, queue::kFormat),
            "use a newer workerpoolctl", ""};
  }
  return {Level::ok, "configuration",
          fmt::format("of {}, format {}", printable(counts.config_owner), format), "", ""};
}

Finding pause(const queue::Counts& counts) {
  if (!counts.paused) return {Level::ok, "paused", "no", "", ""};
  if (counts.paused_by.empty()) {
    return {Level::warn, "paused", "by its pool's spec", "set spec.pause to None", ""};
  }
  return {Level::warn, "paused", "by " + printable(counts.paused_by), "queue resume", ""};
}

Finding workers(const queue::Counts& counts, const queue::Config& config) {
  const Millis silent{3 * config.number("lease_ms", kDefaultLease)};
  std::int64_t beating = 0;
  std::int64_t retired = 0;
  for (const queue::WorkerCounts& worker : counts.workers) {
    if (counts.now - worker.last_beat <= silent) ++(worker.retired ? retired : beating);
  }
  std::string found = fmt::format("{} beat", beating);
  if (retired > 0) found += fmt::format(", {} retiring", retired);
  const auto gone = static_cast<std::int64_t>(counts.workers.size()) - beating - retired;
  if (gone > 0) found += fmt::format(", {} silent", gone);
  const auto by_person = std::count_if(
      counts.retired.begin(), counts.retired.end(),
      [](const queue::Retirement& pod) { return pod.by == queue::RetiredBy::person; });
  if (by_person > 0) found += fmt::format("; drained by a person: {} pods", by_person);
  if (beating == 0 && counts.waiting + counts.due > 0 && !counts.paused) {
    return {Level::warn, "workers",
            found + fmt::format(", {} jobs wait", counts.waiting + counts.due),
            "see kubectl describe of the pool, or start a runner", ""};
  }
  if (by_person > 0) return {Level::warn, "workers", found, "workers undrain", ""};
  return {Level::ok, "workers", found, "", ""};
}

Finding handlers(const queue::Counts& counts, const queue::Config& config) {
  const Millis lease{config.number("lease_ms", kDefaultLease)};
  const BrokenHandlers found = broken_handlers(worker_rows(counts, lease));
  if (found.broken == 0)
    return {Level::ok, "handlers", "no worker says that its handler cannot run", "", ""};
  return {found.all() ? Level::fail : Level::warn, "handlers", found.text(),
          "mend workers.handler, the image or the app", ""};
}

Finding dead(const queue::Counts& counts) {
  if (counts.dead == 0) return {Level::ok, "dead jobs", "none", "", ""};
  return {Level::warn, "dead jobs", std::to_string(counts.dead),
          "jobs list --state dead tells why; then jobs redrive or queue purge --state dead", ""};
}

Finding oldest(const queue::Counts& counts) {
  if (!counts.oldest_wait) return {Level::ok, "oldest wait", "nothing waits", "", ""};
  const std::string found = human_duration(*counts.oldest_wait);
  if (*counts.oldest_wait < kLongWait || counts.paused) {
    return {Level::ok, "oldest wait", found, "", ""};
  }
  return {Level::warn, "oldest wait", found,
          "are there workers enough (maxReplicas)? do jobs of a higher priority come first?", ""};
}

}  // namespace

Findings judge_queue(const std::string& name, const queue::Counts& counts,
                     const queue::Config& config) {
  Findings findings{configuration(counts, config), pause(counts), workers(counts, config),
                    handlers(counts, config),      dead(counts),  oldest(counts)};
  for (Finding& finding : findings) finding.queue = name;
  return findings;
}

Finding judge_check(const std::string& name, std::int64_t jobs,
                    const std::vector<std::string>& violations) {
  if (violations.empty()) {
    return {Level::ok, "invariants", fmt::format("hold for all {} jobs", jobs), "", name};
  }
  return {Level::fail, "invariants",
          fmt::format("{} violated: {}", violations.size(), printable(violations.front())),
          "queue check lists them; please report it, with what wrote to the keys", name};
}

Finding check_left_away(const std::string& name, std::int64_t jobs) {
  return {Level::ok, "invariants",
          fmt::format("not looked at: {} jobs, and Redis would stand still meanwhile", jobs),
          "--deep does it", name};
}

}  // namespace wp::ctl
