#include "base/calendar/time_zone.h"

#include <algorithm>
#include <date/tz.h>
#include <exception>

namespace wp {
namespace {

// Beyond any date that means something; sums with an offset still fit.
constexpr std::int64_t kEver = std::int64_t{1} << 40;

}  // namespace

std::optional<TimeZone> TimeZone::find(const std::string& name) {
  TimeZone found;
  if (name == "UTC") return found;
  try {
    found.zone_ = date::locate_zone(name);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  return found;
}

TimeZone::Stretch TimeZone::at(std::int64_t instant) const {
  if (zone_ == nullptr) return {-kEver, kEver, 0};
  const date::sys_info info = zone_->get_info(date::sys_seconds{std::chrono::seconds{instant}});
  const auto bounded = [](date::sys_seconds time) {
    return std::clamp<std::int64_t>(time.time_since_epoch().count(), -kEver, kEver);
  };
  return {bounded(info.begin), bounded(info.end), info.offset.count()};
}

}  // namespace wp
