#include "operator/fleet/standing.h"

#include <algorithm>

namespace wp::fleet {

void Standing::moving(const std::string& uid, bool marked, Millis now) {
  moving_[uid] = {marked, now};
  if (marked) ordered_at_ = now;
}

void Standing::look(const std::vector<const Member*>& active, Millis now) {
  std::map<std::string, Millis> unmarked;
  std::set<std::string> marked;
  for (const Member* member : active) {
    if (member->pod.marked) {
      marked.insert(member->pod.uid);
    } else {
      unmarked.emplace(member->pod.uid, member->pod.ready ? member->pod.ready_since : Millis{-1});
    }
  }
  const bool lost_marks =
      !std::includes(marked.begin(), marked.end(), marked_.begin(), marked_.end());
  // That one was marked is no disturbance: it is what the picker's count tells.
  std::map<std::string, Millis> expected = unmarked_;
  for (const std::string& uid : marked) expected.erase(uid);
  if (!looked_ || lost_marks || expected != unmarked) disturbed_at_ = now;
  if (!looked_ || marked != marked_) marks_changed_at_ = now;
  if (lost_marks) shrunk_at_ = now;
  const bool gained = !std::includes(marked_.begin(), marked_.end(), marked.begin(), marked.end());
  if (gained && ordered_at_) marked_at_ = ordered_at_;
  std::erase_if(moving_, [&](const auto& one) {
    const auto& [uid, move] = one;
    const bool there = marked.contains(uid) || unmarked.contains(uid);
    return !there || marked.contains(uid) == move.marked || now - move.at >= kQuiet;
  });
  looked_ = true;
  unmarked_ = std::move(unmarked);
  marked_ = std::move(marked);
}

bool Standing::proven(Millis now) const {
  return (marked_at_ && *marked_at_ >= disturbed_at_) || now - disturbed_at_ >= kVouched;
}

bool Standing::stale(Millis now) const {
  return !proven(now) && marked_at_ && now - *marked_at_ >= 3 * kVouched;
}

bool Standing::marks_move() const {
  return std::any_of(moving_.begin(), moving_.end(),
                     [](const auto& one) { return one.second.marked; });
}

bool Standing::may_mark(Millis now) const {
  return moving_.empty() && (!shrunk_at_ || now - *shrunk_at_ >= kQuiet);
}

std::optional<Millis> Standing::changes_in(Millis now) const {
  std::optional<Millis> next;
  const auto consider = [&](Millis since, Millis time = kQuiet) {
    const Millis left = since + time - now;
    if (left > Millis{0}) next = next ? std::min(*next, left) : left;
  };
  consider(disturbed_at_, kVouched);
  consider(marks_changed_at_);
  if (shrunk_at_) consider(*shrunk_at_);
  for (const auto& [uid, move] : moving_) consider(move.at);
  return next;
}

}  // namespace wp::fleet
