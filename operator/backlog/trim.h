// When a queue that no worker serves needs a TRIM: what STEP does in passing (leases that lapsed,
// finished jobs and sessions beyond their age) is then the operator's to do. A queue that holds
// nothing of the kind is left alone. One pace per queue. Pure; one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "queue/queue.h"

namespace wp::backlog {

/// Of the queue's configuration. Ages of 0: kept for ever.
struct TrimRules {
  Millis lease{15000};
  Millis done_age{0};
  Millis dead_age{0};
  Millis session_ttl{0};
};
TrimRules trim_rules(const std::map<std::string, std::string>& config);

/// A worker spoke within two leases.
bool is_served(const queue::Counts& counts, Millis lease);

class TrimPace {
 public:
  /// Takes note of a reading at the steady time `now`. Answers when a TRIM is due, which may be
  /// over; nothing when no time alone makes one needed.
  std::optional<Millis> next(const queue::Counts& counts, const TrimRules& rules, Millis now);
  /// One goes out; counted whether it succeeds or not.
  void sent(Millis now);
  void answered(const queue::Trimmed& trimmed, Millis now);
  /// Ages may have become shorter.
  void rules_changed(Millis now);

 private:
  std::optional<Millis> last_;      // TRIM
  std::optional<Millis> aging_;     // when jobs beyond their age are looked for
  std::optional<Millis> interval_;  // of that; absent: nothing is there that ages
};

}  // namespace wp::backlog
