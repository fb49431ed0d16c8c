// Payloads of the built-in handlers.
#include "runner/handlers/builtin.h"
#include "tests/fuzz/require.h"

using namespace wp;
using fuzz::require;

namespace {

// As long as a duration may be. Beyond it a timer could not be computed.
constexpr Millis kLongest{std::int64_t{10} * 365 * 24 * 3600 * 1000};
constexpr std::int64_t kMostMiB = 65536;

bool plausible(Millis time) {
  return time >= Millis{0} && time <= kLongest;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  if (const auto delay = runner::parse_sleep(payload)) {
    require(plausible(*delay), "sleep ends within ten years");
  }
  if (const auto order = runner::parse_memory(payload)) {
    require(order->mib >= 0 && order->mib <= kMostMiB, "memory is bounded");
    require(plausible(order->hold), "memory is held for less than ten years");
  }
  return 0;
}
