// What the API shows of a pod: its `status` as JSON, made from the state of its containers. Pure.
#pragma once

#include <string>

#include "tests/cluster/node/pod_state.h"

namespace wp::testnode {

/// Every pod and the node itself share the loopback address.
inline constexpr const char* kHostAddress = "127.0.0.1";

/// Pending, Running, Succeeded or Failed, by the kubelet's rules.
std::string pod_phase(const PodState& pod);

/// The whole status, for a strategic merge patch: conditions of others stay. `previous` is the
/// status before, from which unchanged conditions keep their transition time.
Json pod_status(const PodState& pod, const Json& previous, Millis wall_now);

}  // namespace wp::testnode
