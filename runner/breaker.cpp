#include "runner/breaker.h"

namespace wp::runner {
namespace {

// A handler that has run a job for so long is not broken.
constexpr Millis kTrialProves{5000};
// Forgetting costs a job one more uncounted try.
constexpr std::size_t kMaxTried = 1000;

}  // namespace

Breaker::Breaker() : pause_({.initial = Millis{1000}, .max = Millis{30000}, .jitter_percent = 0}) {}

int Breaker::allowed(int free, Millis now) const {
  if (!broken_ || free <= 0) return free;
  // The others stay with workers that run them.
  return now >= until_ && !trial_ ? 1 : 0;
}

std::optional<Millis> Breaker::wake_at() const {
  if (!broken_) return std::nullopt;
  return trial_ ? trial_started_ + kTrialProves : until_;
}

void Breaker::started(std::int64_t epoch, Millis now) {
  if (!broken_) return;
  trial_ = epoch;
  trial_started_ = now;
}

void Breaker::close() {
  broken_ = false;
  trial_.reset();
  pause_.reset();
}

void Breaker::ran(const std::string& id) {
  ++runs_;
  tried_.erase(id);
  close();
}

void Breaker::forgot(std::int64_t epoch) {
  if (trial_ == epoch) trial_.reset();
}

bool Breaker::judge(Millis now) {
  if (!broken_ || !trial_ || now - trial_started_ < kTrialProves) return false;
  close();
  return true;
}

Breaker::Fate Breaker::broke(const std::string& id, bool answered, bool others_wait, Millis now,
                             std::uint64_t chance) {
  Fate fate = Fate::back;
  if (answered) {
    const auto before = tried_.find(id);
    if (before != tried_.end() && before->second < runs_) {
      // What the others ran explains one such answer, no more: of a handler that breaks just now
      // the next jobs are no worse than before.
      tried_.erase(before);
      for (auto& [job, runs] : tried_) runs = runs_;
      if (trial_) trial_.reset();
      return Fate::fail;
    }
    if (before != tried_.end() && others_wait) fate = Fate::aside;
    if (tried_.size() >= kMaxTried) tried_.clear();
    tried_.emplace(id, runs_);
  }
  // Jobs that began together fail together: they count as one try.
  if (!broken_ || now >= until_) until_ = now + pause_.next(chance);
  broken_ = true;
  trial_.reset();
  return fate;
}

}  // namespace wp::runner
