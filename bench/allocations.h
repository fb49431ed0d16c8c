// Counts what the calling thread allocates. Linking allocations.cpp replaces operator new of the
// whole program: for measurements only.
#pragma once

#include <cstdint>

namespace wp::bench {

/// Calls of operator new by this thread since it began.
std::int64_t allocations();

}  // namespace wp::bench
