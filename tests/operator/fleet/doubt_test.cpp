// How long marked pods count as those that may be about to be deleted.
#include "operator/fleet/doubt.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::fleet;

namespace {

constexpr Millis kBegin{1000000};
constexpr Millis kLong{60000};

Doubt::Sight sight(int replicas, int active, int marked) {
  Doubt::Sight made;
  made.replicas = replicas;
  made.active = active;
  made.marked = marked;
  return made;
}

/// One of seven is marked, and the number was lowered by it.
Doubt lowered_by_one() {
  Doubt doubt;
  doubt.look(sight(7, 7, 1), kBegin);
  REQUIRE_FALSE(doubt.any());
  doubt.lowering(7);
  return doubt;
}

}  // namespace

TEST_CASE("a lowering that takes the marked leaves no doubt") {
  Doubt doubt = lowered_by_one();
  doubt.look(sight(6, 7, 1), kBegin);
  CHECK(doubt.any());
  CHECK(doubt.given_for(kBegin + Millis{3}) == Millis{3});
  doubt.look(sight(6, 6, 0), kBegin + Millis{100});
  CHECK_FALSE(doubt.any());
}

TEST_CASE("a lowering after which a marked one is left: who went in its stead, nobody knows") {
  Doubt doubt = lowered_by_one();
  SUBCASE("seen on its way") {
    doubt.look(sight(6, 7, 1), kBegin);
  }
  SUBCASE("not seen before enough were gone") {}
  doubt.look(sight(6, 6, 1), kBegin);
  CHECK(doubt.any());
  CHECK(doubt.changes_in(kBegin) == Doubt::kCarriedOut);
  doubt.look(sight(6, 6, 1), kBegin + Doubt::kCarriedOut - Millis{1});
  CHECK(doubt.any());
  SUBCASE("the picker sees what we see") {
    doubt.look(sight(6, 6, 1), kBegin + Doubt::kCarriedOut);
    CHECK_FALSE(doubt.any());
  }
  SUBCASE("it does not") {
    Doubt::Sight behind = sight(6, 6, 1);
    behind.agree = false;
    doubt.look(behind, kBegin + kLong);
    CHECK(doubt.any());
    doubt.look(sight(6, 6, 1), kBegin + kLong);
    CHECK_FALSE(doubt.any());
  }
}

TEST_CASE("a lowering that was taken back may have come far") {
  Doubt doubt = lowered_by_one();
  doubt.look(sight(6, 7, 1), kBegin);
  doubt.look(sight(7, 7, 1), kBegin);
  CHECK(doubt.any());
  doubt.look(sight(7, 7, 1), kBegin + Doubt::kCarriedOut - Millis{1});
  CHECK(doubt.any());
  doubt.look(sight(7, 7, 1), kBegin + Doubt::kCarriedOut);
  CHECK_FALSE(doubt.any());
}

TEST_CASE("a lowering of an earlier leader may be on its way") {
  Doubt doubt;
  Doubt::Sight behind = sight(7, 7, 1);
  behind.current = false;
  SUBCASE("the controllers have not seen the newest number") {
    doubt.look(behind, kBegin);
    CHECK(doubt.any());
    // It begins when they have.
    doubt.look(behind, kBegin + kLong);
    doubt.look(sight(7, 7, 1), kBegin + kLong + Doubt::kCarriedOut - Millis{1});
    CHECK(doubt.any());
    doubt.look(sight(7, 7, 1), kBegin + kLong + Doubt::kCarriedOut);
    CHECK_FALSE(doubt.any());
  }
  SUBCASE("they have") {
    doubt.look(sight(7, 7, 1), kBegin);
    CHECK_FALSE(doubt.any());
    // Later it is our own write that they have not seen.
    doubt.look(behind, kBegin);
    CHECK_FALSE(doubt.any());
  }
  SUBCASE("nobody is marked") {
    behind.marked = 0;
    doubt.look(behind, kBegin);
    CHECK_FALSE(doubt.any());
  }
}
