// Several policies against one load, each over several seeds of start delays, beside the oracle.
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "ctl/simulate/figures.h"
#include "operator/scaling/params.h"

namespace wp::simulate {

/// Who decides, and under which name it is shown.
struct Candidate {
  std::string name;
  scaling::Params params;
  bool hpa_like = false;  // with the bounds and the concurrency of `params`, and nothing else
};

struct Result {
  std::string name;
  Figures figures;         // the mean of the runs
  double product_low = 1;  // cost × sojourn: the least and the most of the runs
  double product_high = 1;
  Outcome outcome;  // of the first run
};

struct Comparison {
  Result oracle;
  std::vector<Result> results;  // in the candidates' order
};

/// `runs` >= 1: seeds surroundings.seed, seed + 1, … `hpa_grace` is the grace of the HPA-like one;
/// absent: its workers drain. Its workers can't be called back.
Comparison compare(const Load& load, const std::vector<Candidate>& candidates,
                   const Surroundings& surroundings, int runs,
                   const std::optional<Micros>& hpa_grace = {});

}  // namespace wp::simulate
