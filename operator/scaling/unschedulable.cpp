#include "operator/scaling/unschedulable.h"

#include <algorithm>
#include <fmt/format.h>

#include "operator/scaling/wording.h"

namespace wp::scaling {
namespace {

constexpr int kBeyond = 2;

}  // namespace

void allow_for_stuck(Decision& decision, State& state, const Snapshot& snapshot, int cap) {
  const Workers& workers = snapshot.workers;
  if (workers.absent <= 0) {
    state.stuck.reset();
    return;
  }
  // As many as there were at first: those that were tried since do not count.
  state.stuck = std::min(state.stuck.value_or(workers.absent), workers.absent);
  const int target = decision.replicas;
  if (target <= workers.ready) return;  // nothing is missing: the stuck ones go first
  const int tried = target + std::min(kBeyond, *state.stuck);
  const int furthest = std::max(snapshot.current, workers.ready + *state.stuck + kBeyond);
  const int number = std::min({tried, furthest, cap});
  if (number == target) return;
  decision.replicas = number;
  decision.limited = Cause::unschedulable;
  decision.reason += fmt::format("; {} can't start, at most {} beyond them: {}",
                                 spell_workers(workers.absent), kBeyond, number);
}

}  // namespace wp::scaling
