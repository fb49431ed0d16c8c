// `workerpool-runner wait-gone`: what an app beside a runner waits for before it ends, as the
// preStop of its container where Kubernetes has no native sidecars. Asks the probes of the runner
// in the same pod: 0 once nobody answers there, and at once when the runner does not leave at all,
// for then only the app is started again. main() only; blocks.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"

namespace wp::runner {

/// How a runner's probes answered.
enum class Presence { gone, leaving, serving };

/// Waits until `ask` says gone, three times in a row. Serving for longer than `patience` is no
/// leaving: then it returns too. `pause` sleeps between two questions.
void wait_gone(const std::function<Presence()>& ask, const std::function<void(Millis)>& pause,
               Millis patience);

/// The sub-command: the words after it. Answers the exit status. Throws UsageError.
int run_wait_gone(int argc, const char* const* argv);

}  // namespace wp::runner
