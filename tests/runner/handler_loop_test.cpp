// What is watched on the handler loop, with a handler that obeys: progress and memory.
#include "runner/handler_loop.h"

#include <doctest/doctest.h>
#include <map>
#include <set>

#include "runner/handlers/environment.h"
#include "runner/handlers/exec.h"
#include "tests/runner/handler_harness.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::runner;

namespace {

// Runs until it is stopped; reports progress when its payload is a number, so many times, 20 ms
// apart.
class Patient : public Handler {
 public:
  Patient(EventLoop& loop, HandlerEvents& events) : loop_(loop), events_(events) {}
  void start(Task task) override {
    running_.insert(task.job.epoch);
    report(task.job.epoch, task.job.payload.empty() ? 0 : std::stoi(task.job.payload));
  }
  void stop(std::int64_t epoch, const Stop& stop) override {
    if (running_.erase(epoch) == 0) return;
    Ending ending = stopped_ending(stop);
    ending.epoch = epoch;
    events_.ended(ending);
  }

 private:
  void report(std::int64_t epoch, int times) {
    if (times == 0) return;
    events_.progressed(epoch, {"job", 1, ""});
    loop_.after(Millis{20}, [this, epoch, times] { report(epoch, times - 1); });
  }
  EventLoop& loop_;
  HandlerEvents& events_;
  std::set<std::int64_t> running_;
};

// Does not end when it is stopped, but when it is stopped for the second time.
class Stubborn : public Handler {
 public:
  explicit Stubborn(HandlerEvents& events) : events_(events) {}
  void start(Task) override {}
  void stop(std::int64_t epoch, const Stop& stop) override {
    if (!stopped_.insert(epoch).second) {
      Ending ending = stopped_ending(stop);
      ending.epoch = epoch;
      events_.ended(ending);
    }
  }

 private:
  HandlerEvents& events_;
  std::set<std::int64_t> stopped_;
};

std::unique_ptr<Handler> patient(EventLoop& loop, HandlerEvents& events) {
  return std::make_unique<Patient>(loop, events);
}

}  // namespace

TEST_CASE("a job without progress is stalled; one with progress or a time limit is not") {
  test::HandlerHarness harness;
  harness.open(patient);
  harness.loop().limit({.stall_timeout = Millis{400}, .check_interval = Millis{50}});
  harness.start(1);                       // says nothing
  harness.start(2, "1000");               // goes on
  harness.start(3, "", Millis{3600000});  // may take its time
  const Ending stalled = harness.said.wait(1);
  CHECK(stalled.verdict == Verdict::stall);
  CHECK(stalled.text.starts_with("Stalled: no progress for 400ms"));
  harness.start(4);
  CHECK(harness.said.wait(4).verdict == Verdict::stall);  // twice that time has passed
  CHECK_FALSE(harness.said.has_ended(2));
  CHECK_FALSE(harness.said.has_ended(3));
  harness.loop().stop({2, 3}, {StopCause::cancelled, Millis{0}, {}});
  CHECK(harness.said.wait(3).verdict == Verdict::bury);
}

TEST_CASE("progress that ends is a stall, counted from the last sign") {
  test::HandlerHarness harness;
  harness.open(patient);
  harness.loop().limit({.stall_timeout = Millis{300}, .check_interval = Millis{20}});
  const Millis began = boot_now();
  harness.start(1, "20");
  CHECK(harness.said.wait(1).verdict == Verdict::stall);
  CHECK(boot_now() - began >= Millis{20 * 19 + 300});
}

TEST_CASE("limits that come while jobs run count for them") {
  test::HandlerHarness harness;
  harness.open(patient);
  harness.start(1);
  harness.loop().limit({.stall_timeout = Millis{100}, .check_interval = Millis{20}});
  CHECK(harness.said.wait(1).verdict == Verdict::stall);
}

namespace {

// A program that takes so many MiB, in a process of its session that is not its leader, and stays.
void open_eater(test::HandlerHarness& harness) {
  ExecSettings settings;
  settings.path = "/bin/sh";
  settings.argv = {"/bin/sh", "-c",
                   "read mib; head -c ${mib}m /dev/zero | tail -c ${mib}m | sleep 600"};
  settings.base_env = inherited_environment();
  settings.scratch_dir = harness.folder();
  harness.open([settings](EventLoop& loop, HandlerEvents& events) -> std::unique_ptr<Handler> {
    return std::make_unique<ExecHandler>(settings, loop, events);
  });
}

}  // namespace

TEST_CASE("above five quarters of its memory a handler is stopped and its job fails") {
  test::HandlerHarness harness;
  open_eater(harness);
  harness.loop().limit({.max_memory = 64 << 20});
  harness.start(1, "70\n");  // more than allowed, less than five quarters: it goes on
  REQUIRE(test::eventually([&] { return harness.loop().memory_peak() > 70ll << 20; }));
  harness.start(2, "120\n");
  const Ending ending = harness.said.wait(2);
  CHECK(ending.verdict == Verdict::fail);
  CHECK(ending.text.starts_with("MemoryLimit: its handler took "));
  CHECK_FALSE(harness.said.has_ended(1));
  // It may have been weighed before it had all that it asks for.
  CHECK(harness.loop().memory_peak() > (70ll + 64 * 5 / 4) << 20);
}

TEST_CASE("a job that force does not end is stuck, until it ends after all") {
  test::HandlerHarness harness;
  harness.open([](EventLoop&, HandlerEvents& events) -> std::unique_ptr<Handler> {
    return std::make_unique<Stubborn>(events);
  });
  // With a limit of memory it looks each second.
  harness.loop().limit({.max_memory = std::int64_t{1} << 40, .force_fails = Millis{500}});
  harness.start(1);
  harness.start(2);
  const Millis began = boot_now();
  harness.loop().stop({1}, {StopCause::cancelled, Millis{100}, {}});
  CHECK(harness.loop().stuck() == 0);
  REQUIRE(test::eventually([&] { return harness.loop().stuck() == 1; }));
  CHECK(boot_now() - began >= Millis{600});
  harness.loop().stop({1}, {StopCause::cancelled, Millis{100}, {}});
  REQUIRE(test::eventually([&] { return harness.loop().stuck() == 0; }));
  harness.loop().stop({2}, {StopCause::cancelled, Millis{0}, {}});
  harness.loop().stop({2}, {StopCause::cancelled, Millis{0}, {}});
  CHECK(harness.said.wait(2).verdict == Verdict::bury);
}
