// Amounts of CPU and memory as Kubernetes writes them: "500m", "1.5", "64Mi", "2e3". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wp {

/// The amount in `parts` of one (1000: thousandths), rounded up as Kubernetes does; at most 2^62.
/// Nothing when the text is no quantity, or is negative.
std::optional<std::int64_t> parse_quantity(std::string_view text, int parts = 1);

}  // namespace wp
