// What is checked between fields: the CRD's CEL rules once more, for older CRDs and for pool files.
// Every rule here has its twin in crds/workerpools.yaml, but for those that only make sense in a
// local pool and those on transitions, which a single object can't show. Pure; any thread.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "operator/pool/parse.h"

namespace wp::pool {

/// `spec` is what normalize_spec answered without a problem.
void check_rules(const Metadata& meta, const nlohmann::json& spec, const ParseOptions& options,
                 std::vector<SpecProblem>& problems);

}  // namespace wp::pool
