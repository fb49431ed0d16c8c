// The words of the tests of WorkerState.
#pragma once

#include <doctest/doctest.h>
#include <string>
#include <utility>
#include <vector>

#include "runner/worker_state.h"

namespace wp::test {

using namespace wp::runner;
using queue::Settled;

constexpr Millis t(std::int64_t ms) {
  return Millis{ms};
}

inline queue::ClaimedJob job(const std::string& id, std::int64_t epoch, bool alone = false) {
  queue::ClaimedJob made;
  made.id = id;
  made.epoch = epoch;
  made.type = "default";
  made.alone = alone;
  return made;
}

inline Ending ending(std::int64_t epoch, Verdict verdict = Verdict::complete) {
  Ending made;
  made.epoch = epoch;
  made.verdict = verdict;
  made.text = "null";
  return made;
}

inline queue::StepResult reply(std::vector<queue::ClaimedJob> claimed,
                               std::vector<Settled> settled = {}, bool claimable = false) {
  queue::StepResult result;
  result.claimed = std::move(claimed);
  result.settled = std::move(settled);
  result.view.claimable = claimable;
  return result;
}

// A worker whose first STEP claimed these.
inline WorkerState holding(int slots, std::vector<queue::ClaimedJob> jobs) {
  WorkerState state(slots);
  state.connected();
  const auto plan = state.next_step(t(0));
  REQUIRE(plan);
  CHECK(plan->want == slots);
  const std::size_t count = jobs.size();
  CHECK(state.step_answered(*plan, reply(std::move(jobs)), t(0)).start.size() == count);
  return state;
}

}  // namespace wp::test
