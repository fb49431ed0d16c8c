#include "tests/queue/model/command.h"

#include <array>

namespace wp::test {
namespace {

struct Weight {
  Kind kind;
  std::string_view name;
  int weight;
};

constexpr std::array kWeights = {
    Weight{Kind::enqueue, "enqueue", 190},
    Weight{Kind::step, "step", 340},
    Weight{Kind::lost_step, "lost step", 25},
    Weight{Kind::beat, "beat", 70},
    Weight{Kind::release, "release", 40},
    Weight{Kind::register_worker, "register", 40},
    Weight{Kind::retire, "retire", 20},
    Weight{Kind::unretire, "unretire", 25},
    Weight{Kind::reclaim, "reclaim", 25},
    Weight{Kind::cancel, "cancel", 20},
    Weight{Kind::promote, "promote", 10},
    Weight{Kind::reprioritise, "reprioritise", 10},
    Weight{Kind::redrive, "redrive", 15},
    Weight{Kind::remove, "remove", 10},
    Weight{Kind::purge, "purge", 4},
    Weight{Kind::trim, "trim", 10},
    Weight{Kind::pause, "pause", 5},
    Weight{Kind::resume, "resume", 10},
    Weight{Kind::config, "config", 30},
    Weight{Kind::orphan, "orphan", 3},
    Weight{Kind::counts, "counts", 15},
    Weight{Kind::pop_token, "pop token", 15},
    Weight{Kind::lapse, "lapse", 25},
    Weight{Kind::gap, "gap", 4},
    Weight{Kind::hold_over, "hold over", 10},
    Weight{Kind::clock_back, "clock back", 3},
    Weight{Kind::make_due, "make due", 20},
    Weight{Kind::refill_rate, "refill rate", 12},
    Weight{Kind::expire_session, "expire session", 5},
    Weight{Kind::expire_unique, "expire unique", 5},
};

}  // namespace

Kind kind_of(const Command& command) {
  int left = command.dice;
  for (const Weight& weight : kWeights) {
    if (left < weight.weight) return weight.kind;
    left -= weight.weight;
  }
  return Kind::enqueue;
}

std::string_view name_of(Kind kind) {
  for (const Weight& weight : kWeights) {
    if (weight.kind == kind) return weight.name;
  }
  return "";
}

}  // namespace wp::test
