// The two notations people write in pools and flags: durations ("90s", "1h30m", "250ms") and
// quantities of bytes ("64Ki", "512Mi", "1000"). Pure; the same text is accepted everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace wp {

/// A sum of number-unit pairs, units ms, s, m, h; "0" alone is allowed. Absent when it is not one,
/// or when it exceeds 10 years.
std::optional<Millis> parse_duration(std::string_view text);
/// The shortest notation that parses back to the same value: 90 s is "1m30s".
std::string format_duration(Millis value);

/// Digits with an optional suffix Ki, Mi, Gi, Ti, k, M, G, T. Absent when it is not one or exceeds
/// 2^53 bytes.
std::optional<std::int64_t> parse_bytes(std::string_view text);
/// The largest binary suffix that divides the value: 65536 is "64Ki".
std::string format_bytes(std::int64_t bytes);

}  // namespace wp
