// A comparison over time for a terminal: one line of blocks for each policy's workers, and one for
// what waits, on common scales. Pure.
#pragma once

#include <string>

#include "ctl/simulate/compare.h"

namespace wp::simulate {

std::string plot_text(const Comparison& comparison);

}  // namespace wp::simulate
