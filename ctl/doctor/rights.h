// What `doctor` looks at in the user: may it do the work of its role (docs/protocol.md) on a queue?
#pragma once

#include <string>

#include "ctl/doctor/finding.h"
#include "queue/redis/connection.h"

namespace wp::ctl {

/// `role`: producer, worker, operator or person. By ACL DRYRUN; where that is not allowed, by calls
/// that change nothing. One finding, which names the commands and keys that are lacking. Throws
/// redis::Error when the connection is lost.
Finding look_at_rights(redis::Connection& connection, const std::string& queue,
                       const std::string& role);

}  // namespace wp::ctl
