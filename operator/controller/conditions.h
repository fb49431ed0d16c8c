// The conditions of a pool out of what one reconcile found, each from scratch: the four that are
// always there (conditions.cpp), and those whose True is trouble (troubles.cpp). A message says
// what is so, and the next step with the field that changes it; nothing that a Redis or a user's
// program said is repeated in one. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/controller/status_builder.h"

namespace wp::controller {

/// All of them: first Ready, QueueReachable, ScalingActive and ScalingLimited, then the troubles
/// that are so, then those that are not, for whoever reads a list from the top.
std::vector<pool::Condition> build_conditions(const Findings& findings);

/// The part of build_conditions that troubles.cpp makes. Those that depend on the queue's counts
/// are left out until it was read once.
std::vector<pool::Condition> build_troubles(const Findings& findings);

/// maxDepth or maxBytes is reached.
bool is_saturated(const Findings& findings);
/// Some have registered, and no handler of theirs can run.
bool all_handlers_broken(const fleet::Fleet& fleet);

pool::Condition make_condition(const Findings& findings, std::string_view type,
                               pool::ConditionStatus status, std::string_view reason,
                               std::string message);

/// "a, b, c and 4 more"
std::string name_some(const std::vector<std::string>& names);

/// A word that somebody else chose, if it is one; else `otherwise`.
std::string shown_word(std::string_view word, std::string_view otherwise);

}  // namespace wp::controller
