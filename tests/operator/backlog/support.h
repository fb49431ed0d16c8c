// A backlog reader that counts its calls, and what it watches. For tests on real servers.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "operator/backlog/backlog.h"

namespace wp::test {

inline backlog::Watch watch_of(const redis::Endpoint& endpoint, const std::string& queue) {
  backlog::Watch watch;
  watch.endpoint = endpoint;
  watch.ns = "default";
  watch.queue = queue;
  watch.config = {{"lease_ms", "15000"}};
  watch.config_hash = "h1";
  watch.owner = "uid-" + queue;
  watch.term = 1000;
  return watch;
}

struct Reader {
  std::mutex mutex;
  std::map<std::string, int> changes;
  backlog::BacklogReader reader{[this](const std::string& key) {
    const std::lock_guard lock(mutex);
    ++changes[key];
  }};

  int changes_of(const std::string& key) {
    const std::lock_guard lock(mutex);
    return changes[key];
  }
  bool readable(const std::string& key) {
    const auto latest = reader.latest(key);
    return latest && latest->counts && !latest->error;
  }
};

}  // namespace wp::test
