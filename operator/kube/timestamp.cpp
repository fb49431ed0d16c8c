#include "operator/kube/timestamp.h"

#include <cctype>
#include <cstdio>
#include <ctime>

namespace wp::kube {

std::optional<Millis> parse_timestamp(const std::string& text) {
  std::tm parts{};
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used) != 6) {
    return std::nullopt;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  std::int64_t ms = static_cast<std::int64_t>(timegm(&parts)) * 1000;
  std::size_t at = static_cast<std::size_t>(used);
  if (at < text.size() && text[at] == '.') {
    std::int64_t unit = 100;
    for (++at; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0; ++at) {
      ms += (text[at] - '0') * unit;
      unit /= 10;
    }
  }
  const std::string zone = text.substr(at);
  if (zone == "Z") return Millis{ms};
  int hours = 0;
  int minutes = 0;
  char sign = 0;
  if (zone.size() != 6 || std::sscanf(zone.c_str(), "%c%2d:%2d", &sign, &hours, &minutes) != 3 ||
      (sign != '+' && sign != '-')) {
    return std::nullopt;
  }
  const std::int64_t offset = (hours * 60 + minutes) * std::int64_t{60000};
  return Millis{sign == '+' ? ms - offset : ms + offset};
}

std::string format_micro_time(Millis since_epoch) {
  std::string text = format_time(since_epoch);
  text.insert(text.size() - 1, "000");
  return text;
}

}  // namespace wp::kube
