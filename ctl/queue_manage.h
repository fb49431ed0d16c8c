// `workerpoolctl queue pause, resume, purge`.
#pragma once

#include <string>

#include "ctl/connect.h"
#include "ctl/output/document.h"

namespace wp::ctl {

/// Who asks, when nobody says it: $SUDO_USER, $USER, else "somebody".
std::string person();

/// Claims stand still until resumed; running jobs finish. `by` is shown to others. Answers the
/// exit code. Throws CommandError (4: unknown queue), redis::Error.
int queue_pause(Session& session, const std::string& by, Format format);
/// Says so when the pool's own setting still pauses it.
int queue_resume(Session& session, Format format);

/// Drops the jobs of a state (waiting, delayed, done, dead) that are there now, a thousand a call.
int queue_purge(Session& session, const std::string& state, Format format);

}  // namespace wp::ctl
