#include "runner/worker_info.h"

#include <algorithm>
#include <fstream>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace wp::runner {

bool Activity::same_as(const Activity& other) const {
  return executed == other.executed && failed == other.failed && broken == other.broken &&
         retired == other.retired &&
         std::equal(running.begin(), running.end(), other.running.begin(), other.running.end(),
                    [](const RunningJob& a, const RunningJob& b) { return a.id == b.id; });
}

std::string worker_info(const Identity& identity, const Activity& activity, Millis uptime,
                        std::int64_t rss_bytes) {
  nlohmann::json running = nlohmann::json::array();
  for (const RunningJob& job : activity.running) {
    if (running.size() == kMaxShownJobs) break;
    running.push_back({{"id", job.id}, {"started", job.started.count()}});
  }
  const nlohmann::json info = {
      {"pod", identity.pod},
      {"uid", identity.uid},
      {"node", identity.node},
      {"pid", getpid()},
      {"slots", identity.slots},
      {"running", std::move(running)},
      {"executed", activity.executed},
      {"failed", activity.failed},
      {"uptime_s", uptime.count() / 1000},
      {"rss", rss_bytes},
      {"version", WORKERPOOL_VERSION},
      {"broken", activity.broken},
      {"retired", activity.retired},
  };
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  file >> total >> resident;
  return file ? resident * sysconf(_SC_PAGESIZE) : 0;
}

}  // namespace wp::runner
