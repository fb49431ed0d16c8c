#include "operator/backlog/trim.h"

#include <algorithm>

namespace wp::backlog {
namespace {

// For what ages: at most once in this time, and in a twentieth of the shortest age, so that nothing
// outlives its age by more than that.
constexpr Millis kAgingGap{600000};
constexpr int kAgingShare = 20;
constexpr int kPage = 100;  // jobs of each kind that one TRIM takes

std::optional<Millis> aging_interval(const queue::Counts& counts, const TrimRules& rules) {
  std::optional<Millis> shortest;
  const auto consider = [&](bool there, Millis age) {
    if (there && age > Millis{0}) shortest = shortest ? std::min(*shortest, age) : age;
  };
  consider(counts.done > 0, rules.done_age);
  consider(counts.dead > 0, rules.dead_age);
  consider(counts.bytes > 0, rules.session_ttl);  // sessions may be among them
  if (!shortest) return std::nullopt;
  return std::max(kAgingGap, *shortest / kAgingShare);
}

}  // namespace

TrimRules trim_rules(const std::map<std::string, std::string>& config) {
  queue::Config known;
  known.fields = config;
  const auto time = [&known](std::string_view field, Millis fallback) {
    return Millis{known.number(field, fallback.count())};
  };
  const TrimRules defaults;
  TrimRules rules;
  rules.lease = time("lease_ms", defaults.lease);
  rules.done_age = time("keep_done_age_ms", defaults.done_age);
  rules.dead_age = time("keep_dead_age_ms", defaults.dead_age);
  rules.session_ttl = time("session_ttl_ms", defaults.session_ttl);
  return rules;
}

bool is_served(const queue::Counts& counts, Millis lease) {
  return std::any_of(
      counts.workers.begin(), counts.workers.end(),
      [&](const queue::WorkerCounts& one) { return counts.now - one.last_beat <= 2 * lease; });
}

std::optional<Millis> TrimPace::next(const queue::Counts& counts, const TrimRules& rules,
                                     Millis now) {
  interval_ = aging_interval(counts, rules);
  if (is_served(counts, rules.lease)) {
    // Its workers do all of it: the time runs from their last word.
    aging_.reset();
    if (interval_) aging_ = now + *interval_;
    return std::nullopt;
  }
  if (!interval_) {
    aging_.reset();
  } else if (!aging_) {
    // Never seen before: an operator that restarts in vain writes nothing at once.
    aging_ = now + kAgingGap;
  }
  std::optional<Millis> due = aging_;
  if (counts.active > 0) {
    // As workers beat, each third of a lease: a pause of more than half a lease looks to the queue
    // as if nobody could renew, and nothing is reaped for another lease.
    const Millis pace = last_ ? *last_ + rules.lease / 3 : now;
    due = due ? std::min(*due, pace) : pace;
  }
  return due;
}

void TrimPace::sent(Millis now) {
  last_ = now;
  if (aging_) aging_ = now + kAgingGap;
}

void TrimPace::answered(const queue::Trimmed& trimmed, Millis now) {
  if (trimmed.reaped >= kPage) last_.reset();  // there are more
  if (interval_ && trimmed.dropped < kPage) aging_ = now + *interval_;
}

void TrimPace::rules_changed(Millis now) {
  if (aging_) aging_ = std::min(*aging_, now + kAgingGap);
}

}  // namespace wp::backlog
