// From the words of `workerpoolctl simulate` to what is played: the load, its surroundings, and who
// decides. Reads the files that were named. Wrong words are a UsageError of one line.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ctl/simulate/compare.h"
#include "ctl/simulate/request.h"

namespace wp::simulate {

struct Plan {
  Load load;
  Surroundings surroundings;
  std::vector<Candidate> candidates;
  std::vector<std::string> notes;  // what of the pool is not simulated
};

/// `given`: the settings that were named; a pool's own hold where none was. `kept`: the load of a
/// queue, in place of a file or a generated one.
Plan plan(const Request& request, const std::set<std::string>& given,
          std::optional<Load> kept = {});

}  // namespace wp::simulate
