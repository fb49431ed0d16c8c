// What a pool's handler is to the runner: the WP_* variables that say it, for a pod and for a
// process of local mode alike. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "operator/pool/pool.h"

namespace wp::pool {

/// Names and values; none for a pool without a handler.
std::vector<std::pair<std::string, std::string>> handler_variables(const Handler& handler);

}  // namespace wp::pool
