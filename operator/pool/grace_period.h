// How long a pool's pods get to end in: long enough for the jobs that they still run. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "operator/pool/pool.h"

namespace wp::pool {

/// Seconds, at least: drainTimeout, and 15 s to hand back jobs and say goodbye.
std::int64_t needed_grace_period(const Workers& workers);

/// The seconds that the template asks for, where that is less.
std::optional<std::int64_t> raised_grace_period(const Workers& workers);

}  // namespace wp::pool
