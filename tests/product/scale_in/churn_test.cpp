// Everything at once, at random: jobs come in bursts, end early or late, the controller is late,
// now and then the operator is killed. No job is interrupted, whatever the order of it all.
// WORKERPOOL_SEED repeats a run's dice, though not its timing.
#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <iostream>
#include <random>
#include <thread>

#include "tests/product/crew.h"
#include "tests/product/scale_in/size_history.h"

using namespace wp;
using wp::test::Crew;
using wp::test::eventually;

namespace {

constexpr int kMost = 10;

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int up_to(int most) { return std::uniform_int_distribution<int>(0, most)(engine_); }
  Millis between(Millis least, Millis most) {
    return least + Millis{up_to(static_cast<int>((most - least).count()))};
  }

 private:
  std::mt19937 engine_;
};

void kill_operator(Crew& crew) {
  crew.product().operator_process().signal(SIGKILL);
  (void)crew.product().operator_process().wait();
  crew.product().start_operator();
}

}  // namespace

TEST_CASE("bursts of jobs, a late controller, a killed operator: no job is interrupted") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew({.spec = {{"scaling", {{"maxReplicas", kMost}}}}});
  const test::SizeHistory history(crew.product().api().config(), crew.workers_path());
  Dice dice(crew.seed());
  const Millis end = system_clock().steady() + (test::soak() ? Millis{900000} : Millis{25000});
  int jobs = 0;
  int kills = 0;
  const auto lowered = [&] {
    const auto sizes = history.states();
    return std::count_if(
        sizes.begin() + 1, sizes.end(),
        [before = sizes.front().wanted](const test::SizeHistory::State& state) mutable {
          return std::exchange(before, state.wanted) > state.wanted;
        });
  };
  // Until it was lowered once at least: else nothing was tried.
  while (system_clock().steady() < end ||
         (lowered() == 0 && system_clock().steady() < end + Millis{60000})) {
    const int burst = dice.up_to(kMost - 2);
    for (int i = 0; i < burst; ++i) crew.put_timed(1, dice.between(Millis{100}, Millis{3000}));
    jobs += burst;
    switch (dice.up_to(5)) {
      case 0:
        kill_operator(crew);
        ++kills;
        break;
      case 1:
        test::delay_controllers(Millis{0});
        break;
      case 2:
        test::delay_controllers(Millis{300});
        break;
      case 3:
        test::delay_controllers(Millis{2000});
        break;
      default:
        break;
    }
    // No wait for a fact: the time between two events is what is random here.
    std::this_thread::sleep_for(dice.between(Millis{500}, Millis{5000}));
  }
  test::delay_controllers(Millis{0});
  crew.finish();
  crew.check_uninterrupted();
  std::cout << jobs << " jobs, the operator killed " << kills << " times, the number lowered "
            << lowered() << " times\n";
  CHECK(lowered() > 0);
  CHECK(history.lowered_while_rolling() == 0);
  CHECK(history.highest() <= kMost);
  CHECK(crew.wait_settled(0));
}
