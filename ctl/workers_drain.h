// `workerpoolctl workers drain, undrain`: a person retires workers, until undone. Their running
// jobs finish; they claim no more.
#pragma once

#include <string>
#include <vector>

#include "ctl/connect.h"
#include "ctl/output/document.h"

namespace wp::ctl {

/// `names`: workers as `workers list` shows them, or names or uids of their pods. Answers the exit
/// code. Throws CommandError (4: unknown queue or worker), redis::Error.
int workers_drain(Session& session, const std::vector<std::string>& names, Format format);
int workers_undrain(Session& session, const std::vector<std::string>& names, Format format);

}  // namespace wp::ctl
