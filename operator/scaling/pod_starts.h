// Follows a pool's pods from created to ready: how long each took, which of them say that they
// can't start, and which of those have said so for longer than three start times. Who once could
// not start counts as such until it is ready, whatever it says in between (a crash loop runs now
// and then), and is no measurement of the start time. Pure state, in memory; one pool's, one
// thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace wp::scaling {

/// A pod that exists, neither finished nor told to go.
struct SeenPod {
  std::string_view uid;
  Millis age{0};  // since it was created; of a ready one from then until it was ready, if known
  bool ready = false;
  bool obstructed = false;  // not ready, and says why it will not be (Unschedulable, …)
};

struct PodCounts {
  int starting = 0;     // not ready, and may yet become so
  int unstartable = 0;  // the others that are not ready
  int absent = 0;       // of those, for longer than three start times
  std::vector<Millis>
      started_in;  // created → ready, of those that became ready since the last call
  std::optional<Millis> recheck;  // `absent` changes by itself
};

class PodStarts {
 public:
  PodCounts observe(Millis now, Millis start_time, const std::vector<SeenPod>& pods);

 private:
  struct Pod {
    Millis seen{0};  // the last time
    bool was_ready = false;
    bool obstructed = false;              // since it was ready last
    std::optional<Millis> obstructed_at;  // only of one that had been ready before
  };
  std::map<std::string, Pod, std::less<>> pods_;
  bool first_ = true;
};

}  // namespace wp::scaling
