// What a person can do about a word of the status: for each cause of a decision, and for each
// condition that tells of trouble, what it means, the field of the spec that changes it, and the
// next step. One table for the operator's messages, for `workerpoolctl pools explain` and for the
// docs. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "operator/pool/pool.h"
#include "operator/pool/status.h"

namespace wp::pool {

struct Advice {
  std::string_view word;     // a constant of `cause` or of `condition`
  std::string_view meaning;  // a clause
  std::string_view field;    // below spec; of several the first is the usual one
  std::string_view step;     // a clause: what to do; for what needs nothing it says so
};

/// In the order of `cause::kAll`.
std::span<const Advice> cause_advice();
/// Nothing for a word that is no cause (of a newer operator).
const Advice* advice_on_cause(std::string_view cause);

/// The same where one word has several reasons: what holds this pool at `replicas`. `ramp`: where
/// it stands (ramp_state), empty without one.
const Advice* advice_on_decision(std::string_view cause, int replicas, const PoolSpec& spec,
                                 std::string_view ramp);

/// The most urgent trouble first. Conditions that are no trouble by themselves (ScalingActive,
/// ScalingLimited) are among the causes.
std::span<const Advice> trouble_advice();
const Advice* advice_on_trouble(std::string_view condition);

/// Whether the condition tells of something that a person should look at: Ready and QueueReachable
/// are trouble when False, the others of trouble_advice() when True; never for Progressing.
bool is_trouble(const Condition& condition);

/// Why a pod does not start, as Kubernetes names it (Unschedulable, ImagePullBackOff, …) → the next
/// step, a clause.
std::string advice_on_start(std::string_view waiting, std::string_view pod);

}  // namespace wp::pool
