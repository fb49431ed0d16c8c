// The first steps of a reconcile: which Redis holds the pool's queue, and what was last read there.
// Secrets are read again every few minutes, for a new generation, and when a login is refused. What
// stands in the way goes into the findings.
#pragma once

#include "operator/backlog/backlog.h"
#include "operator/controller/run.h"

namespace wp::controller {

void reach_queue(Run& run, backlog::BacklogReader& backlog, const Clock& clock);

}  // namespace wp::controller
