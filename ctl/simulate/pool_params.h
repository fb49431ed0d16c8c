// A pool's own size and policy, from its file. Throws UsageError with the file and the place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/scaling/params.h"

namespace wp::simulate {

struct PoolParams {
  scaling::Params params;
  std::vector<std::string> notes;  // what of the pool the simulator leaves out, in a sentence each
};

/// Of the only WorkerPool in a YAML file, which may hold other objects, too. "-": standard input.
PoolParams read_pool_params(const std::string& file);
PoolParams parse_pool_params(std::string_view yaml, const std::string& shown);

}  // namespace wp::simulate
