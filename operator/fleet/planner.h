// What plan() is made of: one object per plan, private to the fleet. retirement.cpp chooses who
// leaves, gives orders to the queue and sets the number; marking.cpp moves marks and says when the
// picker has seen them.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/fleet/retirement.h"

namespace wp::fleet {

class Planner {
 public:
  Planner(Memory& memory, const Situation& situation)
      : memory_(memory), s_(situation), view_(*situation.view), now_(situation.now) {}
  Plan run();

 private:
  using Members = std::set<const Member*>;

  // In the order of a plan.
  void survey();
  void remember();
  void give_up_on_marks();
  void choose();
  void keep_given_up();
  void cover();
  void order();
  void move_marks();
  void mark();
  void wait_for_picker();
  void resize();
  void take_places_away(int needed);
  void tell();

  // Marks and their witness.
  std::optional<int> marked_beyond_ours() const;
  bool marks_settled() const;
  bool only_unmarks_under_way() const { return marked_beyond_ours().value_or(0) > 0; }
  bool picker_agrees() const;
  bool may_lower() const;

  int active() const { return static_cast<int>(active_.size()); }
  int marked() const { return static_cast<int>(marked_.size()); }
  int ordered() const { return rollout() ? 0 : std::max(0, active() - view_.replicas); }
  int needed() const;
  /// Each write of the number looks like a rollout until the controllers have seen it.
  bool rollout() const { return view_.rolling && view_.observed; }
  /// Orders can be given, and the counts are newer than the last ones.
  bool may_order() const { return s_.fresh && !s_.orders_pending; }
  /// Somebody new may be retired or marked.
  bool may_begin() const;

  Millis left(const Member& member) const { return member.retired_for - s_.reading_age; }
  bool retired_for(const Member& member, Millis time) const;
  bool may_go(const Member& member) const;
  bool can_be_called_back(const Member& member) const;
  bool was_leaving(const Member& member) const;

  void wake_in(Millis time);
  void wake_in(const std::optional<Millis>& time) {
    if (time) wake_in(*time);
  }

  Memory& memory_;
  const Situation& s_;
  const workload::View& view_;
  const Millis now_;
  Plan plan_;

  std::vector<const Member*> active_;  // neither terminating nor finished
  std::vector<const Member*> marked_;  // of them
  int ready_ = 0;
  int retired_by_persons_ = 0;
  int worn_ = 0;
  int extra_ = 0;         // workers beyond `desired` that may be there for now
  bool held_up_ = false;  // no scale-in, and those under way end
  Members leaving_;
  Members covered_;   // retired so that none of them is taken with a job in place of a marked one
  Members given_up_;  // retired as long as the mark that was given up is on them
  std::string blocked_;
};

}  // namespace wp::fleet
