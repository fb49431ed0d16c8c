// The explanation of a pool as one document, for programs. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "ctl/pools/facts.h"
#include "ctl/pools/next_step.h"

namespace wp::ctl {

nlohmann::ordered_json explain_document(const PoolFacts& facts, const NextStep& next);

}  // namespace wp::ctl
