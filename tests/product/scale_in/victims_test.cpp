// Ten workers, three of them with a long job, and seven that are not needed any more: exactly those
// seven go, however late the ReplicaSet controller sees its pods.
#include <doctest/doctest.h>
#include <iostream>

#include "tests/product/crew.h"
#include "tests/product/scale_in/size_history.h"

using namespace wp;
using wp::test::Crew;

namespace {

constexpr int kWorkers = 10;
constexpr int kBusy = 3;

void ten_to_three(Crew& crew) {
  Millis begun = system_clock().steady();
  crew.grow(kWorkers);
  std::cout << "  10 workers in " << (system_clock().steady() - begun).count() << " ms"
            << std::endl;
  begun = system_clock().steady();
  const std::set<std::string> busy = crew.keep(kBusy);
  const bool settled = crew.wait_settled(kBusy);
  std::cout << "  10 → 3 in " << (system_clock().steady() - begun).count() << " ms" << std::endl;
  REQUIRE_MESSAGE(settled, crew.story());
  CHECK(test::joined(crew.staying()) == test::joined(busy));
  crew.check_uninterrupted();
  crew.check_nothing_retired();
}

}  // namespace

TEST_CASE("10 workers, 3 busy: exactly the idle seven go") {
  if (!test::have_late_cluster()) exit(77);
  Crew crew;
  const test::SizeHistory history(crew.product().api().config(), crew.workers_path());
  for (const Millis late : {Millis{0}, Millis{300}, Millis{2000}}) {
    const int rounds = test::soak() ? 50 : late < Millis{1000} ? 2 : 1;
    std::cout << "the controller sees its pods " << late.count() << " ms late, " << rounds
              << " rounds\n";
    CAPTURE(late.count());
    test::delay_controllers(late);
    for (int round = 1; round <= rounds; ++round) {
      CAPTURE(round);
      ten_to_three(crew);
    }
  }
  CHECK(history.highest() == kWorkers);
  crew.finish();
}
