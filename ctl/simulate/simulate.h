// `workerpoolctl simulate`: what each policy would make of a load. Needs no Redis and no cluster.
#pragma once

#include <set>
#include <string>

#include "ctl/output/document.h"
#include "ctl/simulate/request.h"

namespace wp::simulate {

/// Prints the comparison; answers the exit code. `given`: the settings that were named. Throws
/// UsageError, and CommandError when the plot's file can't be written.
int simulate(const Request& request, const std::set<std::string>& given, ctl::Format format);

}  // namespace wp::simulate
