// Figures for people: short, rounded, with their unit; and shares that add up. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace wp::ctl {

/// 999, 1.5Ki, 512Mi: three digits and the binary suffix.
std::string human_bytes(std::int64_t bytes);

/// 250ms, 4.2s, 3m12s, 2h05m, 3d04h: the two largest units. Negative counts as 0.
std::string human_duration(Millis duration);

/// Percentages with one decimal that sum to exactly 100.0 (largest remainder). An absent part stays
/// absent; all are absent when the whole is 0.
std::vector<std::optional<double>> shares(const std::vector<std::optional<std::int64_t>>& parts);

/// The share as a cell: one decimal, empty when absent.
std::string percent(const std::optional<double>& share);

}  // namespace wp::ctl
