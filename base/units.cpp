#include "base/units.h"

#include <array>
#include <charconv>
#include <utility>

namespace wp {
namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};

constexpr std::int64_t kMaxMillis = std::int64_t{10} * 365 * 24 * 3600 * 1000;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 53;

// "ms" before "m": the longer suffix has to be tried first.
constexpr std::array<Unit, 4> kDurations = {
    {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}}};
constexpr std::array<Unit, 8> kBytes = {{{"Ki", std::int64_t{1} << 10},
                                         {"Mi", std::int64_t{1} << 20},
                                         {"Gi", std::int64_t{1} << 30},
                                         {"Ti", std::int64_t{1} << 40},
                                         {"k", 1000},
                                         {"M", 1000 * 1000},
                                         {"G", 1000 * 1000 * 1000},
                                         {"T", std::int64_t{1000} * 1000 * 1000 * 1000}}};

// Takes a whole number off the front of `text`.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0 || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis{0};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const Unit* unit = nullptr;
    for (const Unit& candidate : kDurations) {
      if (text.starts_with(candidate.suffix)) {
        unit = &candidate;
        break;
      }
    }
    if (unit == nullptr || *number > kMaxMillis / unit->factor) return std::nullopt;
    text.remove_prefix(unit->suffix.size());
    total += *number * unit->factor;
    if (total > kMaxMillis) return std::nullopt;
  }
  return Millis{total};
}

std::string format_duration(Millis value) {
  std::int64_t rest = value.count();
  if (rest == 0) return "0s";
  std::string text;
  for (std::size_t i = kDurations.size(); i-- > 0;) {
    const std::int64_t count = rest / kDurations[i].factor;
    if (count == 0) continue;
    text += std::to_string(count) + std::string(kDurations[i].suffix);
    rest -= count * kDurations[i].factor;
  }
  return text;
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  std::int64_t factor = 1;
  if (!text.empty()) {
    factor = 0;
    for (const Unit& unit : kBytes) {
      if (text == unit.suffix) factor = unit.factor;
    }
  }
  if (factor == 0 || *number > kMaxBytes / factor) return std::nullopt;
  return *number * factor;
}

std::string format_bytes(std::int64_t bytes) {
  for (std::size_t i = 4; i-- > 0;) {
    if (bytes != 0 && bytes % kBytes[i].factor == 0) {
      return std::to_string(bytes / kBytes[i].factor) + std::string(kBytes[i].suffix);
    }
  }
  return std::to_string(bytes);
}

}  // namespace wp
