#include "base/calendar/cron.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <date/date.h>
#include <fmt/format.h>
#include <vector>

namespace wp {
namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kRarest = 9 * 366;  // days: 29 February, around a year that is no leap year

struct Field {
  std::string_view name;
  int min, max;
  std::string_view names;  // three letters each, of the numbers from min on
};
constexpr std::array<Field, 5> kFields = {
    Field{"minute", 0, 59, ""}, Field{"hour", 0, 23, ""}, Field{"day of the month", 1, 31, ""},
    Field{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    Field{"day of the week", 0, 7, "sunmontuewedthufrisat"}};

std::string allowed_in(const Field& field) {
  std::string text = fmt::format("{} to {}", field.min, field.max);
  if (!field.names.empty()) {
    text += fmt::format(" or {} to {}", field.names.substr(0, 3),
                        field.names.substr(field.names.size() - 3));
  }
  return text + ", ranges (1-5), lists (1,3) and steps (*/2)";
}

// One field of the text.
class FieldParser {
 public:
  FieldParser(std::size_t index, std::string_view text)
      : index_(index), field_(kFields.at(index)), text_(text) {}

  std::uint64_t bits() const {
    std::uint64_t bits = 0;
    std::string_view rest = text_;
    for (;;) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      bits |= part(rest.substr(0, comma));
      if (comma == rest.size()) return bits;
      rest.remove_prefix(comma + 1);
    }
  }

 private:
  [[noreturn]] void refuse() const {
    throw CronError(fmt::format("has \"{}\" for the {} (field {})", text_, field_.name, index_ + 1),
                    allowed_in(field_));
  }

  // "*", "5", "1-5", each with an optional "/2".
  std::uint64_t part(std::string_view text) const {
    const std::size_t slash = text.find('/');
    int step = 1;
    if (slash != std::string_view::npos) {
      step = number(text.substr(slash + 1));
      if (step < 1) refuse();
      text = text.substr(0, slash);
    }
    int from = field_.min;
    int to = field_.max;
    if (text != "*") {
      const std::size_t dash = text.find('-');
      from = value(text.substr(0, dash));
      if (dash != std::string_view::npos) {
        to = value(text.substr(dash + 1));
        // sat-sun: the week's last day is its first, too.
        if (is_weekday() && to == 0 && from > 0) to = 7;
      } else if (slash == std::string_view::npos) {
        to = from;
      }
    }
    if (from > to) refuse();
    std::uint64_t bits = 0;
    for (int i = from; i <= to; i += step) bits |= std::uint64_t{1} << (is_weekday() ? i % 7 : i);
    return bits;
  }

  bool is_weekday() const { return field_.max == 7; }

  int number(std::string_view text) const {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0) refuse();
    return number;
  }

  int value(std::string_view text) const {
    if (text.size() == 3 && std::isalpha(static_cast<unsigned char>(text[0])) != 0) {
      std::string lower(text);
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      for (std::size_t i = 0; i < field_.names.size(); i += 3) {
        if (field_.names.substr(i, 3) == lower) return field_.min + static_cast<int>(i / 3);
      }
      refuse();
    }
    const int found = number(text);
    if (found < field_.min || found > field_.max) refuse();
    return found;
  }

  std::size_t index_;
  const Field& field_;
  std::string_view text_;
};

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

// The lowest bit at or above `from`, the highest at or below it; -1: none.
int bit_from(std::uint64_t bits, int from) {
  const std::uint64_t rest = from > 63 ? 0 : bits >> from << from;
  return rest == 0 ? -1 : std::countr_zero(rest);
}
int bit_until(std::uint64_t bits, int until) {
  const std::uint64_t rest = until < 0 ? 0 : bits << (63 - until) >> (63 - until);
  return rest == 0 ? -1 : 63 - std::countl_zero(rest);
}

}  // namespace

CronError::CronError(const std::string& problem, const std::string& allowed)
    : std::invalid_argument(problem + "; allowed: " + allowed),
      problem_(problem),
      allowed_(allowed) {}

Cron Cron::parse(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (words.size() != kFields.size()) {
    throw CronError(fmt::format("has {} fields", words.size()),
                    "five: minute, hour, day of the month, month, day of the week");
  }
  Cron cron;
  cron.minutes_ = FieldParser(0, words[0]).bits();
  cron.hours_ = static_cast<std::uint32_t>(FieldParser(1, words[1]).bits());
  cron.days_ = static_cast<std::uint32_t>(FieldParser(2, words[2]).bits());
  cron.months_ = static_cast<std::uint32_t>(FieldParser(3, words[3]).bits());
  cron.weekdays_ = static_cast<std::uint32_t>(FieldParser(4, words[4]).bits());
  cron.any_day_ = words[2].starts_with('*');
  cron.any_weekday_ = words[4].starts_with('*');
  if (!cron.first(0, kRarest * kDay)) {
    throw CronError(fmt::format("is day {} of month {}, which never comes", words[2], words[3]),
                    "a day that the month has");
  }
  return cron;
}

bool Cron::matches_day(std::int64_t day) const {
  const date::sys_days at{date::days{static_cast<int>(day)}};
  const date::year_month_day ymd{at};
  if ((months_ >> static_cast<unsigned>(ymd.month()) & 1U) == 0) return false;
  const bool of_month = (days_ >> static_cast<unsigned>(ymd.day()) & 1U) != 0;
  const bool of_week = (weekdays_ >> date::weekday{at}.c_encoding() & 1U) != 0;
  return any_day_ || any_weekday_ ? of_month && of_week : of_month || of_week;
}

std::optional<std::int64_t> Cron::first(std::int64_t from, std::int64_t until) const {
  const std::int64_t begin = floor_div(from + kMinute - 1, kMinute) * kMinute;
  const std::int64_t first_day = floor_div(begin, kDay);
  const std::int64_t last_day = std::min(floor_div(until, kDay), first_day + kRarest);
  for (std::int64_t day = first_day; day <= last_day; ++day) {
    if (!matches_day(day)) continue;
    const std::int64_t in_day = day == first_day ? begin - day * kDay : 0;
    int hour = bit_from(hours_, static_cast<int>(in_day / kHour));
    const bool same_hour = hour == in_day / kHour;
    int minute = bit_from(minutes_, same_hour ? static_cast<int>(in_day % kHour / kMinute) : 0);
    if (hour >= 0 && minute < 0) {
      hour = bit_from(hours_, hour + 1);
      minute = bit_from(minutes_, 0);
    }
    if (hour < 0) continue;
    const std::int64_t found = day * kDay + hour * kHour + minute * kMinute;
    return found < until ? std::optional(found) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::int64_t> Cron::last(std::int64_t from, std::int64_t until) const {
  const std::int64_t last_day = floor_div(until, kDay);
  const std::int64_t first_day = std::max(floor_div(from, kDay), last_day - kRarest);
  for (std::int64_t day = last_day; day >= first_day; --day) {
    if (!matches_day(day)) continue;
    const std::int64_t in_day = day == last_day ? until - day * kDay : kDay - 1;
    int hour = bit_until(hours_, static_cast<int>(in_day / kHour));
    const bool same_hour = hour == in_day / kHour;
    int minute = bit_until(minutes_, same_hour ? static_cast<int>(in_day % kHour / kMinute) : 59);
    if (hour >= 0 && minute < 0) {
      hour = bit_until(hours_, hour - 1);
      minute = bit_until(minutes_, 59);
    }
    if (hour < 0) continue;
    const std::int64_t found = day * kDay + hour * kHour + minute * kMinute;
    return found >= from ? std::optional(found) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace wp
