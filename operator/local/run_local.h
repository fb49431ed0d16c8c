// `workerpool-operator local`: the whole operator on one machine, with processes as workers and, if
// nobody names one, a private Redis. Call it from main(), before any thread. Answers the exit
// status: 0; 1 when jobs are dead or the queue is inconsistent (with --until-empty); 130 when
// --until-empty was interrupted. Throws UsageError (2).
#pragma once

#include "operator/local/options.h"

namespace wp::local {

int run_local(const LocalOptions& options);

}  // namespace wp::local
