#include "operator/fleet/retirement.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <utility>

#include "operator/fleet/departure.h"

namespace wp::fleet {
namespace {

// A retirement holds for 60 s.
constexpr Millis kRenew{45000};    // renewed when less is left
constexpr Millis kCertain{40000};  // with less nothing is lowered on it
constexpr Millis kRunsOut{15000};  // with less an order that was not carried out is taken back
constexpr Millis kConfirm{10000};  // marks are given up after this time
constexpr Millis kFirstPause{30000};
constexpr Millis kLongestPause{600000};
// Deletions are carried out, and seen, in milliseconds; so long nothing is done that they could
// cross.
constexpr Millis kCarriedOut{5000};
constexpr Millis kEmptyPlaces{30000};
constexpr Millis kSoonest{100};

class Planner {
 public:
  Planner(Memory& memory, const Situation& situation)
      : memory_(memory), s_(situation), view_(*situation.view), now_(situation.now) {}

  Plan run() {
    survey();
    remember();
    give_up_on_marks();
    choose();
    order();
    move_marks();
    resize();
    tell();
    return std::move(plan_);
  }

 private:
  using Members = std::set<const Member*>;

  void survey();
  void remember();
  void give_up_on_marks();
  void choose();
  void cover();
  void order();
  void move_marks();
  void mark();
  void wait_for_picker();
  void resize();
  bool may_lower();
  int needed() const;
  void take_places_away(int needed);
  void tell();

  // Each write of the number looks like a rollout until the controllers have seen it.
  // As the last plan intended; what is seen of it may be behind.
  bool was_leaving(const Member& member) const {
    return memory_.leaving ? memory_.leaving->contains(member.pod.uid) : member.leaving();
  }
  bool rollout() const { return view_.rolling && view_.observed; }
  int active() const { return static_cast<int>(active_.size()); }
  int marked() const { return static_cast<int>(marked_.size()); }
  Millis left(const Member& member) const { return member.retired_for - s_.reading_age; }
  // It claims nothing for at least `time`.
  bool retired_for(const Member& member, Millis time) const {
    return member.retired_by_person() || (member.by_us && left(member) >= time);
  }
  bool may_go(const Member& member) const {
    return member.held == 0 && retired_for(member, kCertain);
  }
  // Orders can be given, and what the counts say is newer than the last ones.
  bool may_order() const { return s_.fresh && !s_.orders_pending; }
  bool may_begin() const {
    return may_order() && !held_up_ && !view_.rolling && view_.left_alone_for <= Millis{0} &&
           (!memory_.not_before || now_ >= *memory_.not_before);
  }
  // Who is being deleted may be unknown to us. One that holds a job since before it was retired
  // cannot carry a mark, seen or unseen.
  bool in_doubt() const { return memory_.given_since || memory_.doubt_since; }
  bool can_be_called_back(const Member& member) const {
    if (memory_.standing.is_moving(member.pod.uid) && !member.pod.marked) return false;
    return !in_doubt() || (!member.pod.marked && member.held > 0);
  }
  // The picker counts the pods that we count, and more of them marked by so many.
  std::optional<int> marked_beyond_ours() const {
    if (!view_.witness || !view_.witness->current) return std::nullopt;
    if (view_.witness->existing != active()) return std::nullopt;
    return view_.witness->marked - marked();
  }
  bool marks_settled() const {
    return view_.witness ? marked_beyond_ours() == 0 : memory_.standing.marks_rested(now_);
  }
  bool only_unmarks_under_way() const { return marked_beyond_ours().value_or(0) > 0; }
  bool picker_agrees() const {
    return marks_settled() && (!view_.witness || view_.witness->ready == ready_);
  }
  void wake_in(Millis time) {
    const Millis wait = std::max(time, kSoonest);
    plan_.recheck = plan_.recheck ? std::min(*plan_.recheck, wait) : wait;
  }

  Memory& memory_;
  const Situation& s_;
  const workload::View& view_;
  const Millis now_;
  Plan plan_;

  std::vector<const Member*> active_;
  std::vector<const Member*> marked_;
  int ready_ = 0;
  int retired_by_persons_ = 0;
  int worn_ = 0;
  int ordered_ = 0;       // pods that somebody is to delete already
  int extra_ = 0;         // workers beyond `desired` that may be there for now
  bool held_up_ = false;  // no scale-in, and those under way end
  Members leaving_;
  Members covered_;  // retired so that none of them is taken with a job in place of a marked one
  std::string blocked_;
};

void Planner::survey() {
  for (const Member& member : s_.fleet->members) {
    if (member.pod.terminating || member.pod.finished) continue;
    active_.push_back(&member);
    if (member.pod.marked) marked_.push_back(&member);
    if (member.pod.ready) ++ready_;
    if (member.retired_by_person()) {
      ++retired_by_persons_;
    } else if (worn(member, s_.max_jobs)) {
      ++worn_;
    }
  }
  // In a rollout there are more than asked for anyway.
  if (!rollout()) ordered_ = std::max(0, active() - view_.replicas);
}

void Planner::remember() {
  memory_.standing.look(active_, now_);

  const bool raised = view_.replicas > memory_.replicas;
  const bool given = ordered_ > 0 && marked() > 0;
  // A lowering of which the next we see is something else: nobody knows what it did in between.
  const bool overtaken = memory_.lowered_from && *memory_.lowered_from != view_.replicas && !given;
  memory_.lowered_from.reset();
  const bool begins = rollout() && !std::exchange(memory_.rolled_out, rollout());
  memory_.rolled_out = rollout();
  if (marked() > 0 && (overtaken || begins)) memory_.doubt_since = now_;
  if (memory_.given_since) {
    if (raised) memory_.taken_back = true;
    if (!given && (memory_.taken_back || rollout())) memory_.doubt_since = now_;
  }
  if (!given) {
    memory_.given_since.reset();
    memory_.taken_back = false;
  } else if (!memory_.given_since) {
    memory_.given_since = now_;
    memory_.aborts = 0;
  }
  if (memory_.doubt_since) {
    // The clock starts when the controllers have seen the newest number.
    const bool seen = !view_.witness || view_.witness->current || rollout();
    const bool agrees = !view_.witness || view_.witness->existing == active() || rollout();
    if (!seen) memory_.doubt_since = now_;
    const Millis waited = now_ - *memory_.doubt_since;
    if (waited < kCarriedOut) {
      wake_in(kCarriedOut - waited);
    } else if (agrees) {
      memory_.doubt_since.reset();
    }
  }
  memory_.replicas = view_.replicas;

  const int places = std::max(0, view_.replicas - active());
  if (places == 0 || places != memory_.places) memory_.places_since = now_;
  memory_.places = places;

  if (memory_.aborted && marked() == 0 && marks_settled()) memory_.aborted = false;
}

void Planner::give_up_on_marks() {
  const bool meant = std::any_of(marked_.begin(), marked_.end(),
                                 [](const Member* member) { return member->retired; });
  if (!meant || in_doubt() || picker_agrees()) {
    memory_.marking_since.reset();
    return;
  }
  if (!memory_.marking_since) memory_.marking_since = now_;
  const Millis waited = now_ - *memory_.marking_since;
  if (waited < kConfirm) return wake_in(kConfirm - waited);
  if (memory_.aborted) return;
  memory_.aborted = true;
  const Millis pause = std::min(kLongestPause, kFirstPause * (1 << std::min(memory_.aborts, 10)));
  ++memory_.aborts;
  memory_.not_before = now_ + pause;
  plan_.notes.push_back(
      {Note::Kind::scale_in_aborted,
       fmt::format("the ReplicaSet's status did not show {} marked pods within {} s: they serve "
                   "again; the next try is in {} s",
                   marked(), kConfirm.count() / 1000, pause.count() / 1000)});
}

// Who is to leave: those who leave already first, then new ones.
void Planner::choose() {
  held_up_ = rollout() || memory_.aborted || !s_.may_shrink;
  if (!s_.fresh) {
    for (const Member* member : active_) {
      if (was_leaving(*member) || member->retired_by_person()) leaving_.insert(member);
    }
    return;
  }
  if (held_up_) return;
  std::vector<const Member*> candidates;
  int sound = 0;
  for (const Member* member : active_) {
    if (member->retired_by_person()) {
      leaving_.insert(member);
      continue;
    }
    candidates.push_back(member);
    if (!worn(*member, s_.max_jobs) && !member->leaving() && !exposed(*member)) ++sound;
  }
  // A worn worker goes when enough others are there in its stead.
  if (sound < s_.desired) extra_ = std::min(s_.surge, worn_);
  sort_by_departure(candidates, s_.max_jobs);
  int surplus = active() - retired_by_persons_ - s_.desired - extra_;
  for (const Member* member : candidates) {
    if (surplus-- <= 0) break;
    const bool ordered = s_.orders_pending && was_leaving(*member);
    if (member->by_us || member->marked_and_empty() || ordered || may_begin()) {
      leaving_.insert(member);
    }
  }
  cover();
}

// A pod that is not ready would go before a marked one that is, and may be ready and busy before
// anybody knows. While a step towards lowering can be made, all of them are kept from claiming.
void Planner::cover() {
  const bool near = in_doubt() || std::any_of(leaving_.begin(), leaving_.end(), [](auto* member) {
                      return member->retired && member->held == 0;
                    });
  if (!near) return;
  for (const Member* member : active_) {
    if (leaving_.contains(member) || !exposed(*member)) continue;
    if (member->by_us || may_begin()) covered_.insert(member);
    if (member->held > 0) {
      blocked_ = fmt::format("{} is not ready and holds {} jobs: it would go before the retired",
                             member->pod.name, member->held);
    }
  }
}

void Planner::order() {
  std::optional<Millis> next_renewal;
  for (const Member& member : s_.fleet->members) {
    if (member.pod.finished || member.retired_by_person()) continue;
    bool stays_retired = member.by_us;
    if (!member.pod.terminating) {
      const bool held_back = !can_be_called_back(member) && member.leaving();
      stays_retired = leaving_.contains(&member) || covered_.contains(&member) || held_back;
    }
    if (!may_order()) continue;
    if (stays_retired && left(member) < kRenew) {
      plan_.retire.push_back(member.pod.uid);
    } else if (stays_retired) {
      const Millis due = left(member) - kRenew;
      next_renewal = next_renewal ? std::min(*next_renewal, due) : due;
    } else if (member.by_us) {
      plan_.unretire.push_back(member.pod.uid);
    }
  }
  if (next_renewal) wake_in(*next_renewal + Millis{1});
}

void Planner::move_marks() {
  if (!s_.fresh || in_doubt()) return;
  const bool anew = memory_.standing.stale(now_);
  for (const Member* member : marked_) {
    // One that holds a job is worth protecting until it is done.
    const bool meant = leaving_.contains(member) && member->held == 0 && !anew;
    if (!meant) plan_.unmark.push_back(member->pod.uid);
  }
  if (plan_.unmark.empty()) return mark();
  const bool may_unmark = marks_settled() || only_unmarks_under_way();
  if (!may_unmark || memory_.standing.marks_move()) plan_.unmark.clear();
  for (const std::string& uid : plan_.unmark) memory_.standing.moving(uid, false, now_);
}

void Planner::mark() {
  if (!may_begin() || ordered_ > 0 || view_.replicas != active()) return;
  if (!marks_settled() || !memory_.standing.may_mark(now_)) return wait_for_picker();
  memory_.unsettled_since.reset();
  if (marked() > 0 && may_lower()) return;
  std::vector<std::string> names;
  for (const Member* member : active_) {
    if (exposed(*member) && !may_go(*member)) return;
    if (!leaving_.contains(member) || member->pod.marked || !may_go(*member)) continue;
    plan_.mark.push_back(member->pod.uid);
    names.push_back(member->pod.name);
  }
  if (plan_.mark.empty()) return;
  for (const std::string& uid : plan_.mark) memory_.standing.moving(uid, true, now_);
  plan_.notes.push_back(
      {Note::Kind::worker_retired, fmt::format("{} of {} workers retired and hold nothing: {}",
                                               names.size(), active(), fmt::join(names, ", "))});
}

// Before marks are set the picker has to count none but ours.
void Planner::wait_for_picker() {
  if (marks_settled()) return;
  if (!memory_.unsettled_since) memory_.unsettled_since = now_;
  const Millis waited = now_ - *memory_.unsettled_since;
  if (waited < kConfirm) return wake_in(kConfirm - waited);
  if (!view_.witness || !view_.witness->current) {
    blocked_ = "the ReplicaSet's status is behind its declaration";
  } else {
    blocked_ = fmt::format(
        "the ReplicaSet counts {} pods that differ from its template's labels; marked are {}",
        view_.witness->marked, marked());
  }
}

bool Planner::may_lower() {
  if (marked_.empty() || !may_order() || held_up_ || in_doubt()) return false;
  if (view_.rolling || view_.left_alone_for > Millis{0}) return false;
  if (view_.replicas != active() || !plan_.unmark.empty()) return false;
  for (const Member* member : active_) {
    if (member->pod.marked && !leaving_.contains(member)) return false;
    if ((member->pod.marked || exposed(*member)) && !may_go(*member)) return false;
  }
  return picker_agrees() && memory_.standing.proven(now_) && !memory_.standing.anything_moves();
}

// Replicas with which `desired` workers serve, besides those who leave and are not yet let go.
int Planner::needed() const {
  int away = 0;
  int going = 0;
  for (const Member* member : active_) {
    if (!leaving_.contains(member) && !member->retired_by_person()) continue;
    ++away;
    if (member->pod.marked) ++going;
  }
  return std::max(0, s_.desired) + extra_ + away - std::min(ordered_, going);
}

void Planner::resize() {
  if (may_lower()) {
    for (const Member* member : marked_) plan_.victims.push_back(member->pod.uid);
    plan_.replicas = view_.replicas - marked();
    memory_.lowered_from = view_.replicas;
    return;
  }
  if (view_.left_alone_for > Millis{0}) return wake_in(view_.left_alone_for);
  // An order that nobody carries out while the retirements run out would take whoever claims next.
  const bool runs_out = memory_.given_since && now_ - *memory_.given_since >= kCarriedOut &&
                        std::any_of(marked_.begin(), marked_.end(), [this](const Member* member) {
                          return !retired_for(*member, kRunsOut);
                        });
  if (runs_out) {
    plan_.replicas = active();
    return;
  }
  int wanted = needed();
  if (s_.limit) {
    const bool replaces = extra_ > 0 || retired_by_persons_ > 0;
    wanted = std::min(wanted, *s_.limit + (replaces ? s_.surge : 0));
  }
  if (wanted <= view_.replicas) return take_places_away(needed());
  // What is being deleted is deleted first: afterwards it is known who can be called back.
  if (memory_.given_since && now_ - *memory_.given_since < kCarriedOut) {
    return wake_in(kCarriedOut - (now_ - *memory_.given_since));
  }
  plan_.replicas = wanted;
}

// Places that have no pod (a quota, say) can go without a retirement; but a pod that was just
// created, or is about to be, is not to be taken for none.
void Planner::take_places_away(int needed) {
  const int target = std::max(active(), needed);
  if (view_.replicas <= target || !may_order() || held_up_ || in_doubt()) return;
  if (view_.rolling) return;
  if (view_.witness && !(view_.witness->current && view_.witness->existing == active())) return;
  const Millis waited = now_ - *memory_.places_since;
  if (waited < kEmptyPlaces) return wake_in(kEmptyPlaces - waited);
  plan_.replicas = target;
}

void Planner::tell() {
  memory_.leaving.emplace();
  for (const Member* member : leaving_) memory_.leaving->insert(member->pod.uid);
  memory_.surge = 0;
  if (worn_ > 0) {
    const int staying = size_of(memory_, view_, *s_.fleet);
    memory_.surge = std::clamp(staying - s_.desired, 0, s_.surge);
  }
  if (!marked_.empty() || !leaving_.empty()) {
    if (const auto next = memory_.standing.changes_in(now_)) wake_in(*next);
  }
  if (memory_.not_before && now_ < *memory_.not_before && active() > s_.desired) {
    wake_in(*memory_.not_before - now_);
  }
  const bool interrupted =
      rollout() && std::any_of(active_.begin(), active_.end(),
                               [](const Member* member) { return member->by_us; });
  if (interrupted && !memory_.told_rollout) {
    plan_.notes.push_back({Note::Kind::scale_in_aborted,
                           "a rollout began: the retired workers serve again until it is over"});
  }
  memory_.told_rollout = rollout() && (memory_.told_rollout || interrupted);
  if (!blocked_.empty() && blocked_ != memory_.told_blocked) {
    plan_.notes.push_back({Note::Kind::scale_in_blocked, blocked_});
  }
  memory_.told_blocked = blocked_;
}

}  // namespace

Plan plan(Memory& memory, const Situation& situation) {
  if (situation.view == nullptr || situation.fleet == nullptr || !situation.view->known) return {};
  return Planner(memory, situation).run();
}

int size_of(const Memory& memory, const workload::View& view, const Fleet& fleet) {
  int active = 0;
  int away = 0;
  for (const Member& member : fleet.members) {
    if (member.pod.terminating || member.pod.finished) continue;
    ++active;
    const bool leaves =
        memory.leaving ? memory.leaving->contains(member.pod.uid) : member.leaving();
    if (leaves || member.retired_by_person()) ++away;
  }
  const int ordered = std::max(0, active - view.replicas);
  return std::max(0, view.replicas - std::max(0, away - ordered) - memory.surge);
}

}  // namespace wp::fleet
