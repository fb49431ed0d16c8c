// `workerpool-runner health`: asks the runner of this container for its health, for a HEALTHCHECK
// in an image that has no curl. Used by main() only.
#pragma once

#include <string>

namespace wp::runner {

/// Asks /healthz and /readyz at host:port or :port. Empty when both say yes, else why not, in one
/// line. Throws UsageError for an address that is none.
std::string problem_with_health(const std::string& probe_address);

/// The sub-command: its words begin with "health". 0 when the runner is well, 1 with a line on
/// stderr when not. Throws UsageError.
int run_health(int argc, const char* const* argv);

}  // namespace wp::runner
