#include "ctl/output/format.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

namespace wp::ctl {

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 5> kSuffixes = {"Ki", "Mi", "Gi", "Ti", "Pi"};
  if (bytes < 1024) return std::to_string(bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1024; value >= 999.5 && unit + 1 < kSuffixes.size(); value /= 1024) ++unit;
  return fmt::format("{:.{}f}{}", value, value < 9.95 ? 1 : 0, kSuffixes[unit]);
}

std::string human_duration(Millis duration) {
  const std::int64_t ms = std::max<std::int64_t>(0, duration.count());
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (ms < 9'950) return fmt::format("{:.1f}s", static_cast<double>(ms) / 1000);
  const std::int64_t seconds = (ms + 500) / 1000;
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d{:02}h", seconds / 86400, seconds / 3600 % 24);
}

std::vector<std::optional<double>> shares(const std::vector<std::optional<std::int64_t>>& parts) {
  std::vector<std::optional<double>> out(parts.size());
  double whole = 0;
  for (const auto& part : parts)
    whole += static_cast<double>(std::max<std::int64_t>(0, part.value_or(0)));
  if (whole <= 0) return out;

  // In tenths of a percent: all rounded down first, then the largest remainders get one more.
  struct Rounded {
    std::size_t index;
    std::int64_t tenths;
    double remainder;
  };
  std::vector<Rounded> rounded;
  std::int64_t given = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i]) continue;
    const double exact = static_cast<double>(std::max<std::int64_t>(0, *parts[i])) * 1000 / whole;
    const auto tenths = static_cast<std::int64_t>(exact);
    rounded.push_back({i, tenths, exact - static_cast<double>(tenths)});
    given += tenths;
  }
  std::stable_sort(rounded.begin(), rounded.end(),
                   [](const Rounded& a, const Rounded& b) { return a.remainder > b.remainder; });
  for (std::size_t i = 0; i < rounded.size() && given < 1000; ++i, ++given) ++rounded[i].tenths;
  for (const Rounded& r : rounded) out[r.index] = static_cast<double>(r.tenths) / 10;
  return out;
}

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.1f}", *share) : std::string();
}

}  // namespace wp::ctl
