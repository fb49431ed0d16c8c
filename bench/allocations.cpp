#include "bench/allocations.h"

#include <cstdlib>
#include <new>

namespace {

thread_local std::int64_t count = 0;

}  // namespace

namespace wp::bench {

std::int64_t allocations() {
  return count;
}

}  // namespace wp::bench

// The array and the nothrow forms call these.
void* operator new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
