// A normalized spec → the structs of pool.h. No checks: normalize.h and rules.h made them. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "operator/pool/pool.h"

namespace wp::pool {

PoolSpec bind_spec(const Metadata& meta, const nlohmann::json& spec);

}  // namespace wp::pool
