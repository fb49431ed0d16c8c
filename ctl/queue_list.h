// `workerpoolctl queue list`: the queues of one Redis, a line each.
#pragma once

#include "ctl/connect.h"
#include "ctl/output/document.h"

namespace wp::ctl {

/// Those that have a configuration in this database, found by a SCAN of bounded length. Answers the
/// exit code. Throws redis::Error.
int queue_list(const Target& target, Format format);

}  // namespace wp::ctl
