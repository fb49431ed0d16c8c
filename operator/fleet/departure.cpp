#include "operator/fleet/departure.h"

#include <algorithm>
#include <tuple>

namespace wp::fleet {
namespace {

int stage(const Member& member) {
  if (member.marked_and_empty()) return 0;
  return member.by_us ? 1 : 2;
}

// Among those that serve. A worn one goes even when it is busy and others are idle: otherwise the
// idle ones would be replaced in its stead, again and again.
int rank(const Member& member, std::int64_t max_jobs) {
  if (exposed(member)) {
    if (member.held > 0) return 7;  // it has to end first what it holds
    if (!member.pod.assigned) return 0;
    return member.pod.running ? 2 : 1;
  }
  if (worn(member, max_jobs)) return 3;
  if (member.held > 0) return 6;
  return member.broken ? 4 : 5;
}

// Of those retired already an idle one is called back before a busy one.
int rank_of_leaving(const Member& member, std::int64_t max_jobs) {
  if (exposed(member)) return 0;
  if (worn(member, max_jobs)) return 1;
  if (member.broken) return 2;
  return member.held > 0 ? 3 : 4;
}

}  // namespace

bool exposed(const Member& member) {
  const workload::WorkerPod& pod = member.pod;
  // A cost as low as ours, set by another hand.
  const bool cheap = !pod.marked && pod.deletion_cost <= kMarkCost;
  return !pod.assigned || !pod.running || !pod.ready || cheap;
}

bool worn(const Member& member, std::int64_t max_jobs) {
  return max_jobs > 0 && member.executed >= max_jobs;
}

void sort_by_departure(std::vector<const Member*>& members, std::int64_t max_jobs) {
  const auto key = [max_jobs](const Member& member) {
    const int at = stage(member);
    const int place = at == 2 ? rank(member, max_jobs) : rank_of_leaving(member, max_jobs);
    // A cost that others set is their wish among pods that are equal to us.
    return std::make_tuple(at, place, member.pod.marked ? 0 : member.pod.deletion_cost, member.held,
                           -member.pod.created.count());
  };
  std::sort(members.begin(), members.end(), [&key](const Member* a, const Member* b) {
    const auto x = key(*a);
    const auto y = key(*b);
    return x != y ? x < y : a->pod.uid < b->pod.uid;
  });
}

}  // namespace wp::fleet
