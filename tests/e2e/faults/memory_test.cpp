// A handler needs more memory than its container may have: the kernel kills it, and nobody else.
#include <doctest/doctest.h>
#include <iostream>

#include "tests/e2e/faults/shift.h"

using namespace wp;
using wp::test::Shift;

namespace {

// Half a gigabyte when its payload says so; else the gate, as every job here.
constexpr const char* kHog = R"sh(
read -r first rest
if [ "$first" = hog ]; then exec python3 -c 'bytearray(500_000_000); import time; time.sleep(60)'; fi
echo "$first $rest" | exec "$@"
)sh";

}  // namespace

TEST_CASE(
    "a handler above its container's limit is killed: only it is buried, and nobody else notices") {
  Shift shift(
      "hungry", 1,
      {{"workers", {{"concurrency", 2}}},
       {"jobs", {{"maxCrashes", 1}, {"backoff", {{"initial", "100ms"}}}}}},
      {{"resources",
        {{"requests", {{"memory", "64Mi"}, {"cpu", "10m"}}}, {"limits", {{"memory", "128Mi"}}}}}});
  const std::string first = test::site().pods(shift.name()).at(0).uid;
  // The handler of the shift, behind one that is hungry at times.
  std::vector<std::string> command = {"sh", "-c", kHog, "sh"};
  for (const std::string& word : shift.jobs().command()) command.push_back(word);
  test::site().kubectl(
      {"patch", "workerpool", shift.name(), "--type=merge", "--patch",
       nlohmann::json{{"spec", {{"workers", {{"handler", {{"exec", {{"command", command}}}}}}}}}}
           .dump()});
  // The first worker may claim until it is told to end, and has the handler of before.
  const auto rolled = [&] {
    const std::vector<test::SitePod> pods = test::site().pods(shift.name());
    return pods.size() == 1 && pods.front().uid != first && shift.ready(1);
  };
  REQUIRE_MESSAGE(test::eventually(rolled, Millis{60000}, Millis{100}), shift.story());
  const std::string neighbour = *shift.start(1).begin();
  const test::SitePod pod = shift.pod_of(neighbour);

  const Millis begun = system_clock().steady();
  shift.enqueue({{"hog", "hog\n"}});
  const auto buried = [&] { return test::site().counts(shift.name()).dead == 1; };
  REQUIRE_MESSAGE(test::eventually(buried, Millis{60000}, Millis{50}), shift.story());
  const queue::JobView hog =
      test::site().with_queue(shift.name(), [](queue::Queue& queue) { return queue.job("hog"); });
  std::cout << "handler killed for its memory: buried after "
            << (system_clock().steady() - begun).count() << " ms, " << hog.crashes << " crashes, "
            << hog.losses << " losses: " << hog.result << std::endl;
  CHECK(hog.crashes == 2);
  CHECK(hog.losses == 0);
  // The neighbour never noticed, nor did the container.
  CHECK(shift.jobs().runs_of(neighbour) == 1);
  const test::SitePod after = shift.pod_of(neighbour);
  CHECK(after.uid == pod.uid);
  CHECK(after.restarts == 0);
  shift.finish({"hog"});
}
