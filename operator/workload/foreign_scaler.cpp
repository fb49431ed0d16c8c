#include "operator/workload/foreign_scaler.h"

#include <algorithm>

namespace wp::workload {
namespace {

constexpr std::size_t kTolerated = 2;  // changes within …
constexpr Millis kWindow{5 * 60000};   // … so long
constexpr Millis kFirstStep{60000};
constexpr Millis kLastStep{15 * 60000};
constexpr Millis kQuiet{60 * 60000};

}  // namespace

void ForeignScaler::found(const std::string& manager, Millis now) {
  if (quiet(now)) *this = {};
  if (standing_) return;
  standing_ = true;
  manager_ = manager;
  last_change_ = now;
  changes_.push_back(now);
  std::erase_if(changes_, [now](Millis change) { return now - change >= kWindow; });
  if (!contended_ && changes_.size() > kTolerated) {
    contended_ = true;
    step_ = kFirstStep;
    next_repair_ = now + step_;
  }
}

void ForeignScaler::repaired(Millis now) {
  standing_ = false;
  if (!contended_) return;
  step_ = std::min(step_ * 2, kLastStep);
  next_repair_ = now + step_;
}

std::string ForeignScaler::contender(Millis now) const {
  return contended_ && !quiet(now) ? manager_ : "";
}

Millis ForeignScaler::left_alone_for(Millis now) const {
  if (!contended_ || !standing_ || quiet(now)) return Millis{0};
  return std::max(Millis{0}, next_repair_ - now);
}

bool ForeignScaler::quiet(Millis now) const {
  return changes_.empty() || now - last_change_ >= kQuiet;
}

}  // namespace wp::workload
