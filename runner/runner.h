// The runner as a whole: builds the threads from the options, runs until the worker has left, and
// takes them down in the order that loses nothing. main() only.
#pragma once

#include "runner/options.h"

namespace wp::runner {

/// Blocks until the runner has left. Answers the process's exit code. Throws std::runtime_error
/// when it cannot begin (the probe port is taken).
int run_runner(const RunnerOptions& options);

}  // namespace wp::runner
