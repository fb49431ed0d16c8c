#include "runner/worker_info.h"

#include <algorithm>
#include <fstream>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runner/handlers/printable.h"

namespace wp::runner {

bool Activity::same_as(const Activity& other) const {
  return executed == other.executed && failed == other.failed && broken == other.broken &&
         trouble == other.trouble && retired == other.retired && stalled == other.stalled &&
         draining == other.draining &&
         std::equal(running.begin(), running.end(), other.running.begin(), other.running.end(),
                    [](const RunningJob& a, const RunningJob& b) { return a.id == b.id; });
}

std::string worker_info(const Identity& identity, const Activity& activity, Millis uptime,
                        const Footprint& footprint) {
  nlohmann::json running = nlohmann::json::array();
  for (const RunningJob& job : activity.running) {
    if (running.size() == kMaxShownJobs) break;
    running.push_back({{"id", job.id}, {"started", job.started.count()}});
  }
  nlohmann::json info = {
      {"pod", identity.pod},
      {"uid", identity.uid},
      {"node", identity.node},
      {"pid", getpid()},
      {"slots", identity.slots},
      {"running", std::move(running)},
      {"executed", activity.executed},
      {"failed", activity.failed},
      {"uptime_s", uptime.count() / 1000},
      {"rss", footprint.resident},
      {"handlers_rss", activity.handler_memory},
      {"handlers_rss_peak", activity.handler_memory_peak},
      {"version", WORKERPOOL_VERSION},
      {"broken", activity.broken},
      {"retired", activity.retired},
      {"draining", activity.draining},
      {"stalled", activity.stalled},
  };
  if (activity.broken && !activity.trouble.empty()) {
    info["trouble"] = printable_line(activity.trouble, kMaxShownTrouble);
  }
  if (footprint.container.now > 0) {
    info["container_memory"] = footprint.container.now;
    info["container_memory_peak"] = footprint.container.peak;
  }
  if (activity.quota > 0) info["quota_percent"] = activity.executed * 100 / activity.quota;
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Footprint footprint() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  file >> total >> resident;
  return {file ? resident * sysconf(_SC_PAGESIZE) : 0, container_memory()};
}

}  // namespace wp::runner
