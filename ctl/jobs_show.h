// `workerpoolctl jobs show`: everything that is known of one job, with its history.
#pragma once

#include <string>

#include "ctl/connect.h"
#include "ctl/output/document.h"

namespace wp::ctl {

/// Answers the exit code. Throws CommandError (4: no such job or queue), redis::Error.
int jobs_show(Session& session, const std::string& id, Format format);

}  // namespace wp::ctl
