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
  /// The longest that one of our watches is taken to be behind another.
  static constexpr Millis kQuiet{2000};
  /// The longest that the picker is taken to be behind us, once it has seen marks within this time.
  static constexpr Millis kVouched{10000};

  void look(const std::vector<const Member*>& active, Millis now);
  /// That mark is being set, or taken away, now. It counts once it is seen.
  void moving(const std::string& uid, bool marked, Millis now);
  /// It was ordered to be marked, or not to be, and is not seen so yet: the answer was lost, and
  /// nobody knows whether it is done.
  bool is_moving(const std::string& uid) const { return moving_.contains(uid); }
  bool anything_moves() const { return !moving_.empty(); }
  bool marks_move() const;

  /// Nothing that counts cannot tell happened after the newest mark, or it is long enough ago.
  bool proven(Millis now) const;
  /// Nor will it ever be while pods come and go like this: only new marks can prove anything.
  bool stale(Millis now) const;
  /// The marks as they are were seen by us for long enough: where no status tells.
  bool marks_rested(Millis now) const { return now - marks_changed_at_ >= kQuiet; }
  /// No mark vanished lately: new ones cannot be taken for it.
  bool may_mark(Millis now) const;
  /// When one of these says something else by time alone.
  std::optional<Millis> changes_in(Millis now) const;

 private:
  struct Move {
    bool marked;
    Millis at;
  };
  bool looked_ = false;
  std::map<std::string, Millis> unmarked_;  // uid → ready since
  std::set<std::string> marked_;
  Millis disturbed_at_{0};
  Millis marks_changed_at_{0};
  std::optional<Millis> shrunk_at_;
  std::map<std::string, Move> moving_;
  std::optional<Millis> ordered_at_;
  std::optional<Millis> marked_at_;  // when the newest mark that is seen was ordered
};

}  // namespace wp::fleet
