// The load that a queue's finished jobs were, as far as the queue still knows them: when each was
// enqueued, and how long its handler ran. Throws CommandError (4: unknown queue, or no job to go
// by), redis::Error.
#pragma once

#include "ctl/connect.h"
#include "ctl/simulate/load.h"

namespace wp::simulate {

Load kept_load(ctl::Session& session);

}  // namespace wp::simulate
