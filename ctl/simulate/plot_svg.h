// A comparison over time as a picture: for each policy its workers above the load, and below them
// what waits, on common scales. Readable on light and on dark ground. Pure.
#pragma once

#include <string>

#include "ctl/simulate/compare.h"

namespace wp::simulate {

/// `title`: one line. A whole SVG document.
std::string plot_svg(const std::string& title, const Comparison& comparison);

}  // namespace wp::simulate
