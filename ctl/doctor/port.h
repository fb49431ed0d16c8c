// What `doctor` makes of a port that is not what its address says: a Sentinel, or TLS on one side
// only.
#pragma once

#include <optional>

#include "ctl/doctor/finding.h"
#include "queue/redis/connection.h"

namespace wp::ctl {

/// When a Sentinel answers on that connection: what to write instead. Throws redis::Error when the
/// connection is lost.
std::optional<Finding> look_for_sentinel(redis::Connection& connection);

/// After `error` of a connection to that address: whether it is another kind of port, by trying as
/// much, without a password and for two seconds.
std::optional<Finding> look_at_protocol(const redis::Endpoint& endpoint, const redis::Error& error);

}  // namespace wp::ctl
