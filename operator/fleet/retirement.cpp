#include "operator/fleet/retirement.h"

#include <algorithm>
#include <fmt/format.h>

#include "operator/fleet/departure.h"
#include "operator/fleet/planner.h"

namespace wp::fleet {
namespace {

// A retirement holds for 60 s.
constexpr Millis kRenew{45000};            // renewed when less is left
constexpr Millis kCertain{40000};          // with less nothing is lowered on it
constexpr Millis kLongUnconfirmed{10000};  // a watch is behind by moments as a rule
constexpr Millis kRunsOut{15000};  // with less an order that was not carried out is taken back
constexpr Millis kEmptyPlaces{30000};
constexpr Millis kSoonest{100};

}  // namespace

Plan Planner::run() {
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

void Planner::wake_in(Millis time) {
  const Millis wait = std::max(time, kSoonest);
  plan_.recheck = plan_.recheck ? std::min(*plan_.recheck, wait) : wait;
}

bool Planner::may_begin() const {
  return may_order() && !held_up_ && !view_.rolling && view_.left_alone_for <= Millis{0} &&
         (!memory_.not_before || now_ >= *memory_.not_before);
}

// It claims nothing for at least `time`.
bool Planner::retired_for(const Member& member, Millis time) const {
  return member.retired_by_person() || (member.by_us && left(member) >= time);
}

bool Planner::may_go(const Member& member) const {
  return member.held == 0 && retired_for(member, kCertain);
}

// Who is being deleted may be unknown to us. One that holds a job since before it was retired
// carries no mark, seen or unseen.
bool Planner::can_be_called_back(const Member& member) const {
  if (memory_.standing.is_moving(member.pod.uid) && !member.pod.marked) return false;
  return !memory_.doubt.any() || (!member.pod.marked && member.held > 0);
}

// As the last plan intended; what is seen of it may be behind.
bool Planner::was_leaving(const Member& member) const {
  return memory_.leaving ? memory_.leaving->contains(member.pod.uid) : member.leaving();
}

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
}

void Planner::remember() {
  memory_.standing.look(active_, now_);

  Doubt::Sight sight;
  sight.replicas = view_.replicas;
  sight.active = active();
  sight.marked = marked();
  sight.rollout = rollout();
  if (view_.witness) {
    sight.current = view_.witness->current;
    sight.agree = view_.witness->existing == active();
  }
  memory_.doubt.look(sight, now_);
  if (memory_.doubt.given_for(now_)) memory_.aborts = 0;
  wake_in(memory_.doubt.changes_in(now_));

  const int places = std::max(0, view_.replicas - active());
  if (places == 0 || places != memory_.places) memory_.places_since = now_;
  memory_.places = places;
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
  if (held_up_) return keep_given_up();
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
    const bool begun =
        member->by_us || member->marked_and_empty() || (s_.orders_pending && was_leaving(*member));
    if (begun || may_begin()) leaving_.insert(member);
  }
  cover();
}

// A mark that was given up cannot be taken away while nobody knows what the picker has seen. That
// may last, and a busy pod would be the first to go: those that nobody needs stay retired until
// their marks are off.
void Planner::keep_given_up() {
  if (!memory_.aborted || rollout() || !s_.may_shrink) return;
  int surplus = active() - retired_by_persons_ - s_.desired;
  for (const Member* member : marked_) {
    if (!member->by_us) continue;
    if (surplus-- <= 0) return;
    given_up_.insert(member);
  }
}

// A pod that is not ready would go before a marked one that is, and may be ready and busy before
// anybody knows. While a step towards lowering can be made, all of them are kept from claiming.
void Planner::cover() {
  const bool near = memory_.doubt.any() ||
                    std::any_of(leaving_.begin(), leaving_.end(),
                                [](auto* member) { return member->retired && member->held == 0; });
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
  if (!may_order()) return;
  for (const Member& member : s_.fleet->members) {
    if (member.pod.finished || member.retired_by_person()) continue;
    // One that ends is kept from claiming until it has heard of it.
    bool stays_retired = member.by_us;
    if (!member.pod.terminating) {
      const bool held_back = member.leaving() && !can_be_called_back(member);
      stays_retired = leaving_.contains(&member) || covered_.contains(&member) ||
                      given_up_.contains(&member) || held_back;
    }
    if (stays_retired && left(member) < kRenew) {
      plan_.retire.push_back(member.pod.uid);
    } else if (stays_retired) {
      wake_in(left(member) - kRenew + Millis{1});
    } else if (member.by_us) {
      plan_.unretire.push_back(member.pod.uid);
    }
  }
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
  return std::max(0, s_.desired) + extra_ + away - std::min(ordered(), going);
}

void Planner::resize() {
  if (may_lower()) {
    if (view_.unconfirmed_for >= kLongUnconfirmed) {
      blocked_ = "the API server does not confirm, in time, the pods that its watch has shown";
    }
    for (const Member* member : marked_) plan_.victims.push_back(member->pod.uid);
    plan_.replicas = view_.replicas - marked();
    memory_.doubt.lowering(view_.replicas);
    return;
  }
  if (view_.left_alone_for > Millis{0}) return wake_in(view_.left_alone_for);
  // An order that nobody carries out while the retirements run out would take whoever claims next.
  const auto given_for = memory_.doubt.given_for(now_);
  const bool runs_out = given_for >= Doubt::kCarriedOut &&
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
  if (given_for && *given_for < Doubt::kCarriedOut) {
    return wake_in(Doubt::kCarriedOut - *given_for);
  }
  plan_.replicas = wanted;
}

// Places that have no pod (a quota, say) can go without a retirement; but a pod that was just
// created, or is about to be, is not to be taken for none.
void Planner::take_places_away(int needed) {
  const int target = std::max(active(), needed);
  if (view_.replicas <= target || view_.rolling) return;
  if (!may_order() || held_up_ || memory_.doubt.any()) return;
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
  if (!marked_.empty() || !leaving_.empty()) wake_in(memory_.standing.changes_in(now_));
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
