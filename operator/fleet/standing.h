// What the one who picks may have missed: since when the pods have stood as they stand. Pure.
//
// The picker's status counts; equal counts prove equal sets only if in between pods were marked and
// nothing else happened: it sees all changes of pods in one order, so when it counts the newest
// mark it has seen everything before that, too. What happened after the newest mark, it may not
// have seen; then time has to vouch for it. Part of a pool's Memory.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/fleet/fleet.h"

namespace wp::fleet {

class Standing {
 public:
  /// The longest that the picker's picture is taken to be behind ours where nothing proves it.
  static constexpr Millis kQuiet{2000};

  void look(const std::vector<const Member*>& active, Millis now);
  /// Marks are being ordered now. They count once they are seen.
  void marking(Millis now) { ordered_at_ = now; }

  /// Nothing that counts cannot tell happened after the newest mark, or it is long enough ago.
  bool proven(Millis now) const;
  /// The marks as they are were seen by us for long enough: where no status tells.
  bool marks_rested(Millis now) const { return now - marks_changed_at_ >= kQuiet; }
  /// No mark vanished lately: new ones cannot be taken for it.
  bool may_mark(Millis now) const;
  /// When one of the three says something else by time alone.
  std::optional<Millis> changes_in(Millis now) const;

 private:
  bool looked_ = false;
  std::map<std::string, Millis> unmarked_;  // uid → ready since
  std::set<std::string> marked_;
  Millis disturbed_at_{0};
  Millis marks_changed_at_{0};
  std::optional<Millis> shrunk_at_;
  std::optional<Millis> ordered_at_;
  std::optional<Millis> marked_at_;  // when the newest mark that is seen was ordered
};

}  // namespace wp::fleet
