#include "base/clock.h"

#include <ctime>
#include <fmt/format.h>

namespace wp {
namespace {

class SystemClock final : public Clock {
 public:
  Millis steady() const override {
    return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
  }
  Millis wall() const override {
    return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch());
  }
};

std::tm utc(Millis since_epoch) {
  const std::time_t seconds = static_cast<std::time_t>(since_epoch.count() / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

std::string date_and_time(const std::tm& t) {
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string format_time(Millis since_epoch) {
  return fmt::format("{}.{:03}Z", date_and_time(utc(since_epoch)), since_epoch.count() % 1000);
}

std::string format_time_seconds(Millis since_epoch) {
  return date_and_time(utc(since_epoch)) + "Z";
}

}  // namespace wp
