#include "ctl/simulate/sizer.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>

#include "operator/scaling/decide.h"

namespace wp::simulate {
namespace {

class OperatorSizer : public Sizer {
 public:
  explicit OperatorSizer(const scaling::Params& params) : params_(params) {}

  int size(const scaling::Snapshot& snapshot) override {
    return scaling::decide(state_, params_, snapshot).replicas;
  }
  void grown(Millis now, int by) override { scaling::record_up(state_, now, by); }

 private:
  scaling::Params params_;
  scaling::State state_;
};

class HpaLikeSizer : public Sizer {
 public:
  explicit HpaLikeSizer(const scaling::Params& params) : params_(params) {}

  int size(const scaling::Snapshot& snapshot) override {
    const Millis now = snapshot.now;
    const std::int64_t jobs = snapshot.demand->waiting + snapshot.demand->active_all;
    if (jobs > 0) last_active_ = now;
    int size = snapshot.current;
    if (is_due(next_sync_, now, Millis{15000}) && size > 0) size = follow(size, jobs, now);
    if (is_due(next_poll_, now, Millis{30000})) size = switch_on_or_off(size, jobs, now);
    return std::clamp(size, params_.min_replicas, params_.max_replicas);
  }
  void grown(Millis, int) override {}

 private:
  static bool is_due(Millis& next, Millis now, Millis period) {
    if (now < next) return false;
    next += period;
    return true;
  }

  int switch_on_or_off(int size, std::int64_t jobs, Millis now) const {
    if (size == 0 && jobs > 0) return 1;
    const bool idle = jobs == 0 && now - last_active_.value_or(Millis{0}) >= Millis{300000};
    return idle ? 0 : size;
  }

  int follow(int size, std::int64_t jobs, Millis now) {
    const double wanted = static_cast<double>(jobs) / params_.concurrency;
    const bool tolerated = std::abs(wanted / size - 1) <= 0.1;
    int target = tolerated ? size : std::max(1, static_cast<int>(std::ceil(wanted)));
    target = std::min(target, std::max(2 * size, size + 4));
    recommended_.emplace_back(now, target);
    while (recommended_.front().first < now - Millis{300000}) recommended_.pop_front();
    if (target >= size) return target;
    int highest = target;
    for (const auto& [time, count] : recommended_) highest = std::max(highest, count);
    return std::min(size, highest);
  }

  scaling::Params params_;
  std::deque<std::pair<Millis, int>> recommended_;
  std::optional<Millis> last_active_;
  Millis next_poll_{0};
  Millis next_sync_{0};
};

}  // namespace

std::unique_ptr<Sizer> operator_sizer(const scaling::Params& params) {
  return std::make_unique<OperatorSizer>(params);
}

std::unique_ptr<Sizer> hpa_like_sizer(const scaling::Params& params) {
  return std::make_unique<HpaLikeSizer>(params);
}

}  // namespace wp::simulate
