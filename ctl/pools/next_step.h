// What somebody who looks at a pool should do next: one thing, the most urgent, and the command for
// it where there is one. Pure.
#pragma once

#include <string>
#include <vector>

#include "ctl/pools/facts.h"
#include "operator/pool/advice.h"

namespace wp::ctl {

struct NextStep {
  std::string what;
  std::string command;  // empty: none
};

NextStep next_step(const PoolFacts& facts);

/// The conditions that are trouble, the most urgent first. Those of a newer operator that this
/// program does not know are left to kubectl describe.
std::vector<const pool::Condition*> troubles_of(const pool::Status& status);

/// On the newest decision; nothing when there is none, or its cause is a newer operator's.
const pool::Advice* advice_of(const PoolFacts& facts);

/// The same when something caps or holds it, nothing when it is what is wanted.
const pool::Advice* limit_of(const PoolFacts& facts);

bool is_rolled_back(const PoolFacts& facts);

}  // namespace wp::ctl
