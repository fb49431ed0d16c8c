// `workerpoolctl simulate`: what each policy would make of a load. Needs no Redis and no cluster.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "ctl/output/document.h"
#include "ctl/simulate/load.h"
#include "ctl/simulate/request.h"

namespace wp::simulate {

/// Prints the comparison; answers the exit code. `given`: the settings that were named. `kept`: the
/// load of --from-queue. Throws UsageError, and CommandError when a file can't be written.
int simulate(const Request& request, const std::set<std::string>& given, ctl::Format format,
             std::optional<Load> kept = {});

}  // namespace wp::simulate
