#include "runner/breaker.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::runner;

namespace {

constexpr Millis t(std::int64_t ms) {
  return Millis{ms};
}
using Fate = Breaker::Fate;

}  // namespace

TEST_CASE("claims pause 1, 2, 4 … 30 s, and one job finds out after each pause") {
  Breaker breaker;
  CHECK(breaker.allowed(8, t(0)) == 8);
  std::int64_t now = 0;
  for (const std::int64_t pause : {1000, 2000, 4000, 8000, 16000, 30000, 30000}) {
    CHECK(breaker.broke("a", false, false, t(now), 0) == Fate::back);
    CHECK(breaker.broke("b", false, false, t(now), 0) == Fate::back);  // began together
    CHECK(breaker.broken());
    CHECK(breaker.allowed(8, t(now + pause - 1)) == 0);
    CHECK(breaker.wake_at() == t(now + pause));
    now += pause;
    CHECK(breaker.allowed(8, t(now)) == 1);
    breaker.started(1, t(now));
    CHECK(breaker.allowed(7, t(now)) == 0);
  }
  breaker.ran("c");
  CHECK_FALSE(breaker.broken());
  CHECK(breaker.allowed(8, t(now)) == 8);
  CHECK(breaker.broke("a", false, false, t(now), 0) == Fate::back);
  CHECK(breaker.wake_at() == t(now + 1000));  // from the beginning again
}

TEST_CASE("a trial that goes on proves the handler, one that is lost proves nothing") {
  Breaker breaker;
  breaker.broke("a", false, false, t(0), 0);
  breaker.started(1, t(1000));
  CHECK(breaker.wake_at() == t(6000));
  CHECK_FALSE(breaker.judge(t(5999)));
  breaker.forgot(1);
  CHECK_FALSE(breaker.judge(t(6000)));
  CHECK(breaker.allowed(4, t(6000)) == 1);
  breaker.started(2, t(6000));
  CHECK(breaker.judge(t(11000)));
  CHECK(breaker.allowed(4, t(11000)) == 4);
}

TEST_CASE("a job that alone is answered as by a broken handler is bad itself") {
  Breaker breaker;
  CHECK(breaker.broke("bad", true, true, t(0), 0) == Fate::back);
  breaker.ran("good");
  CHECK(breaker.broke("bad", true, true, t(10), 0) == Fate::fail);
  CHECK_FALSE(breaker.broken());
  CHECK(breaker.broke("bad", true, true, t(20), 0) == Fate::back);  // judged anew each time
}

TEST_CASE(
    "what others ran explains one such answer, not those of all that were answered so before") {
  Breaker breaker;
  for (const char* id : {"a", "b", "c"})
    CHECK(breaker.broke(id, true, true, t(0), 0) == Fate::back);
  breaker.ran("slow");
  CHECK(breaker.broke("a", true, true, t(10), 0) == Fate::fail);
  CHECK(breaker.broke("b", true, true, t(20), 0) != Fate::fail);
  CHECK(breaker.broken());
  CHECK(breaker.broke("c", true, true, t(5000), 0) != Fate::fail);
  breaker.ran("good");
  CHECK(breaker.broke("b", true, true, t(9000), 0) == Fate::fail);
}

TEST_CASE("while nobody knows, such a job goes aside for one that may find out") {
  Breaker breaker;
  CHECK(breaker.broke("bad", true, true, t(0), 0) == Fate::back);
  CHECK(breaker.broke("bad", true, true, t(1000), 0) == Fate::aside);
  CHECK(breaker.broke("bad", true, false, t(3000), 0) == Fate::back);  // there is no other
  breaker.ran("good");
  CHECK(breaker.broke("bad", true, false, t(9000), 0) == Fate::fail);
}

TEST_CASE("a program that cannot start, or a port that refuses, is no job's fault") {
  Breaker breaker;
  for (int i = 0; i < 5; ++i) {
    CHECK(breaker.broke("a", false, true, t(i * 40000), 0) == Fate::back);
    breaker.ran("other");
  }
}

TEST_CASE("a job that ran after all is as good as any") {
  Breaker breaker;
  breaker.broke("a", true, true, t(0), 0);
  breaker.ran("a");
  CHECK(breaker.broke("a", true, true, t(10), 0) == Fate::back);
}
