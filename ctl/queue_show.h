// `workerpoolctl queue show` and `queue check`: one queue at one moment, and its invariants.
#pragma once

#include "ctl/connect.h"
#include "ctl/output/document.h"

namespace wp::ctl {

/// Answers the exit code. Throws CommandError (4: unknown queue), redis::Error.
int queue_show(Session& session, Format format);

/// Runs CHECK: exit 1 when an invariant is violated, and the violations.
int queue_check(Session& session, Format format);

}  // namespace wp::ctl
