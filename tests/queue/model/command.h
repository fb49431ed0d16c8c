// One operation of a random sequence: what kind, and a seed that decides all the rest of it. Two
// small numbers, so that RapidCheck can shrink a failing sequence to a few of them.
#pragma once

#include <cstdint>
#include <string_view>

namespace wp::test {

enum class Kind {
  enqueue,
  step,
  lost_step,  // its reply never reaches the worker
  beat,
  release,
  register_worker,
  retire,
  unretire,
  reclaim,
  cancel,
  promote,
  reprioritise,
  redrive,
  remove,
  purge,
  trim,
  pause,
  resume,
  config,
  orphan,
  counts,
  // What the world does to a queue:
  pop_token,  // by a runner that dies before its STEP
  lapse,
  gap,  // nobody is heard of for long
  hold_over,
  clock_back,
  make_due,
  refill_rate,
  expire_session,
  expire_unique,
};

struct Command {
  int dice = 0;  // 0..999: the kind, by weight
  int seed = 0;
};

Kind kind_of(const Command& command);
std::string_view name_of(Kind kind);

/// A command's own chance.
class Dice {
 public:
  explicit Dice(int seed) : state_(static_cast<std::uint64_t>(seed) + 1) {}
  /// 0 … sides − 1.
  int operator()(int sides) {
    state_ += 0x9E3779B97F4A7C15U;  // splitmix64
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    z ^= z >> 31U;
    return static_cast<int>(z % static_cast<std::uint64_t>(sides));
  }
  bool one_in(int sides) { return (*this)(sides) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace wp::test
