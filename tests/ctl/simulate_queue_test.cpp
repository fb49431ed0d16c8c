// simulate --from-queue: the load is what a real queue still knows of its completed jobs.
#include <doctest/doctest.h>

#include "tests/ctl/fixture.h"

using namespace wp;
using namespace wp::test;

TEST_CASE("simulate --from-queue: completed jobs with the time that they ran, and no others") {
  CtlFixture f(Fields{{"max_attempts", "1"}});
  for (const char* id : {"a", "b", "c", "d"}) f.put(id);
  const auto claimed = f.claim("w/1", 3);
  auto slow = f.settle(claimed[0]);
  slow.duration = Millis{2500};
  auto quick = f.settle(claimed[1]);
  quick.duration = Millis{0};
  (void)f.queue.step("w/1", {slow, quick, f.settle(claimed[2], queue::Outcome::fail, "no")}, 0);

  const Ran csv = f.ctl({"simulate", "--from-queue", "-q", "q", "--save", "-"});
  CHECK(csv.exit == 0);
  CHECK(csv.out.starts_with("arrival_s,service_s\n0.000000,"));
  holds(csv.out, ",2.500000\n");
  holds(csv.out, ",0.001000\n");
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 3);
  const auto document = f.json({"simulate", "--from-queue", "-q", "q"});
  CHECK(document["load"]["name"] == "q");
  CHECK(document["load"]["jobs"] == 2);
}

TEST_CASE("simulate --from-queue: more jobs than a page") {
  CtlFixture f;
  constexpr int kJobs = 1100;
  for (int i = 0; i < kJobs; ++i) f.put("j" + std::to_string(i));
  for (int done = 0; done < kJobs;) {
    std::vector<queue::Settlement> settlements;
    for (const auto& job : f.claim("w/1", 100)) settlements.push_back(f.settle(job));
    REQUIRE_FALSE(settlements.empty());
    done += static_cast<int>(settlements.size());
    (void)f.queue.step("w/1", settlements, 0);
  }
  const auto document = f.json({"simulate", "--from-queue", "-q", "q", "--policy", "SlotPerJob"});
  // As many as the queue keeps.
  CHECK(document["load"]["jobs"] == f.queue.counts().done);
  CHECK(document["load"]["jobs"] > 500);
}

TEST_CASE("simulate --from-queue: what can't be, and why") {
  CtlFixture f;
  const Ran empty = f.ctl({"simulate", "--from-queue", "-q", "q"});
  CHECK(empty.exit == 4);
  holds(empty.err, "keeps no completed job to go by");
  CHECK(f.ctl({"simulate", "--from-queue", "-q", "other"}).exit == 4);
  CHECK(f.ctl({"simulate", "--from-queue"}).exit == 2);
  // A queue of the environment alone changes nothing.
  CHECK(run_ctl({"simulate", "--duration", "1m"}, "",
                {{"WP_QUEUE", "q"}, {"WP_REDIS_URL", "redis://127.0.0.1:1"}})
            .exit == 0);
}
