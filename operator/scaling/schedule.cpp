#include "operator/scaling/schedule.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "base/calendar/firing.h"

namespace wp::scaling {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::int64_t second_of(Millis wall) {
  return wall.count() / 1000;
}

Cron cron_of(const Schedule& schedule, const char* field, const std::string& text) {
  try {
    return Cron::parse(text);
  } catch (const CronError& error) {
    throw std::invalid_argument(
        fmt::format("schedule {}: {} {}", schedule.name, field, error.what()));
  }
}

TimeZone zone_of(const Schedule& schedule) {
  auto zone = TimeZone::find(schedule.time_zone);
  if (!zone) {
    throw std::invalid_argument(fmt::format("schedule {}: this machine knows no time zone {}",
                                            schedule.name, schedule.time_zone));
  }
  return *zone;
}

}  // namespace

Schedules::Schedules(const std::vector<Schedule>& declared) {
  for (const Schedule& schedule : declared) {
    lines_.push_back({schedule.name, zone_of(schedule), cron_of(schedule, "start", schedule.start),
                      cron_of(schedule, "end", schedule.end), schedule.min_replicas});
  }
}

const std::optional<ScheduleFloor>& Schedules::floor(Millis wall) {
  const std::int64_t second = second_of(wall);
  if (second < from_ || second >= until_) look(second);
  return floor_;
}

std::optional<Millis> Schedules::next_edge(Millis wall) {
  (void)floor(wall);
  if (until_ == kNever) return std::nullopt;
  return Millis{until_ * 1000} - wall;
}

void Schedules::look(std::int64_t second) {
  floor_.reset();
  from_ = second;
  until_ = kNever;
  for (const Line& line : lines_) {
    const auto started = last_firing(line.start, line.zone, second);
    const auto ended = last_firing(line.end, line.zone, second);
    // One that ends as it starts again goes on.
    const bool holds = started && (!ended || *started >= *ended);
    if (holds && (!floor_ || line.min_replicas > floor_->min_replicas)) {
      floor_ = ScheduleFloor{line.name, line.min_replicas};
    }
    // The other one's next time changes nothing.
    const auto edge = next_firing(holds ? line.end : line.start, line.zone, second);
    if (edge) until_ = std::min(until_, *edge);
  }
}

}  // namespace wp::scaling
