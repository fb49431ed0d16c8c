#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "operator/fleet/departure.h"
#include "operator/fleet/planner.h"

namespace wp::fleet {
namespace {

constexpr Millis kConfirm{10000};  // marks are given up after this time
constexpr Millis kFirstPause{30000};
constexpr Millis kLongestPause{600000};

}  // namespace

// The picker counts the pods that we count, and so many more of them marked. Its count of pods has
// to agree, since a marked pod that somebody else deleted makes up for a mark it has not seen.
std::optional<int> Planner::marked_beyond_ours() const {
  if (!view_.witness || !view_.witness->current) return std::nullopt;
  if (view_.witness->existing != active()) return std::nullopt;
  return view_.witness->marked - marked();
}

bool Planner::marks_settled() const {
  return view_.witness ? marked_beyond_ours() == 0 : memory_.standing.marks_rested(now_);
}

bool Planner::picker_agrees() const {
  return marks_settled() && (!view_.witness || view_.witness->ready == ready_);
}

void Planner::give_up_on_marks() {
  if (memory_.aborted && marked() == 0 && marks_settled()) memory_.aborted = false;
  const bool meant = std::any_of(marked_.begin(), marked_.end(),
                                 [](const Member* member) { return member->retired; });
  if (!meant || memory_.doubt.any() || picker_agrees()) {
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
       fmt::format(
           "the ReplicaSet's status did not show {} marked pods within {} s: their marks are "
           "taken away and they serve again; the next try is in {} s",
           marked(), kConfirm.count() / 1000, pause.count() / 1000)});
}

void Planner::move_marks() {
  if (!s_.fresh || memory_.doubt.any()) return;
  const bool anew = memory_.standing.stale(now_);
  for (const Member* member : marked_) {
    // One that holds a job is worth protecting until it is done.
    const bool meant =
        leaving_.contains(member) && member->held == 0 && !member->pod.outbid && !anew;
    if (!meant) plan_.unmark.push_back(member->pod.uid);
  }
  if (plan_.unmark.empty()) return mark();
  const bool may_unmark = marks_settled() || only_unmarks_under_way();
  if (!may_unmark || memory_.standing.marks_move()) plan_.unmark.clear();
  for (const std::string& uid : plan_.unmark) memory_.standing.moving(uid, false, now_);
}

void Planner::mark() {
  if (!may_begin() || view_.replicas != active()) return;
  if (!marks_settled() || !memory_.standing.may_mark(now_)) return wait_for_picker();
  memory_.unsettled_since.reset();
  if (marked() > 0 && may_lower()) return;
  std::vector<std::string> names;
  for (const Member* member : active_) {
    if (exposed(*member) && !may_go(*member)) {
      plan_.mark.clear();
      return;
    }
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
        "the ReplicaSet counts {} of {} pods that differ from its template's labels; marked are "
        "{} of {}",
        view_.witness->marked, view_.witness->existing, marked(), active());
  }
}

bool Planner::may_lower() const {
  if (marked_.empty() || !may_order() || held_up_ || memory_.doubt.any()) return false;
  if (view_.rolling || view_.left_alone_for > Millis{0}) return false;
  if (view_.replicas != active() || !plan_.unmark.empty()) return false;
  for (const Member* member : active_) {
    if (member->pod.marked && (member->pod.outbid || !leaving_.contains(member))) return false;
    if ((member->pod.marked || exposed(*member)) && !may_go(*member)) return false;
  }
  // Where all go, whom the picker likes best is all the same.
  const bool no_choice = marked() == active();
  return picker_agrees() && (no_choice || memory_.standing.proven(now_)) &&
         !memory_.standing.anything_moves();
}

}  // namespace wp::fleet
