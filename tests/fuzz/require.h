// What a fuzzer asserts: when it does not hold, libFuzzer keeps the input and tells where.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace wp::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace wp::fuzz
