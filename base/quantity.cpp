#include "base/quantity.h"

#include <array>
#include <charconv>
#include <cmath>

namespace wp {
namespace {

struct Suffix {
  std::string_view text;
  int base;
  int power;
};
constexpr std::array<Suffix, 16> kSuffixes = {
    Suffix{"", 10, 0},   Suffix{"n", 10, -9}, Suffix{"u", 10, -6}, Suffix{"m", 10, -3},
    Suffix{"k", 10, 3},  Suffix{"M", 10, 6},  Suffix{"G", 10, 9},  Suffix{"T", 10, 12},
    Suffix{"P", 10, 15}, Suffix{"E", 10, 18}, Suffix{"Ki", 2, 10}, Suffix{"Mi", 2, 20},
    Suffix{"Gi", 2, 30}, Suffix{"Ti", 2, 40}, Suffix{"Pi", 2, 50}, Suffix{"Ei", 2, 60}};

constexpr long double kMost = 4611686018427387904.0L;  // 2^62
// An amount is exact up to 64 bits; what lies beyond is no reason to round up.
constexpr long double kHair = 1e-7L;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<int> exponent_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int power = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), power);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return power;
}

}  // namespace

std::optional<std::int64_t> parse_quantity(std::string_view text, int parts) {
  if (text.starts_with('+')) text.remove_prefix(1);
  long double value = 0;
  int behind = 0;  // digits behind the point
  bool point = false;
  bool any = false;
  while (!text.empty() && (is_digit(text.front()) || (text.front() == '.' && !point))) {
    if (text.front() == '.') {
      point = true;
    } else {
      any = true;
      value = value * 10 + (text.front() - '0');
      if (point) ++behind;
    }
    text.remove_prefix(1);
  }
  if (!any) return std::nullopt;
  long double factor = 0;
  for (const Suffix& suffix : kSuffixes) {
    if (text == suffix.text) factor = std::pow(static_cast<long double>(suffix.base), suffix.power);
  }
  if (factor == 0) {
    // "2e3"; a lone E is a suffix.
    if (!text.starts_with('e') && !text.starts_with('E')) return std::nullopt;
    const auto power = exponent_of(text.substr(1));
    if (!power || *power > 100 || *power < -100) return std::nullopt;
    factor = std::pow(10.0L, *power);
  }
  const long double amount = value * parts * factor / std::pow(10.0L, behind);
  if (!(amount < kMost)) return std::int64_t{1} << 62;
  return static_cast<std::int64_t>(std::ceil(amount - kHair));
}

}  // namespace wp
