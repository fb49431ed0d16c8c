#include "ctl/simulate/engine.h"

#include <doctest/doctest.h>
#include <numeric>

#include "ctl/simulate/figures.h"
#include "ctl/simulate/generate.h"
#include "tests/ctl/simulate/support.h"

using namespace wp;
using namespace wp::simulate;

namespace {

std::vector<double> seconds_of(const std::vector<Micros>& times) {
  std::vector<double> seconds;
  for (const Micros time : times) seconds.push_back(to_seconds(time));
  return seconds;
}

std::unique_ptr<Sizer> sizer_of(const std::string& name, int concurrency = 1) {
  scaling::Params params = params_of(name == "LookAhead"    ? scaling::Policy::look_ahead
                                     : name == "SlotPerJob" ? scaling::Policy::slot_per_job
                                     : name == "Threshold"  ? scaling::Policy::threshold
                                                            : scaling::Policy::target_depth);
  params.concurrency = concurrency;
  return name == "HPA-like" ? hpa_like_sizer(params) : operator_sizer(params);
}

const std::vector<std::string> kPolicies = {"LookAhead", "SlotPerJob", "Threshold", "TargetDepth",
                                            "HPA-like"};

}  // namespace

TEST_CASE("one worker runs jobs in the order of their arrival") {
  Script one({1});
  const Load load = load_of({{0, 10}, {1, 5}, {2, 1}});
  const Outcome outcome = play(load, one, at_once());
  CHECK(seconds_of(outcome.waits) == std::vector<double>{0, 9, 13});
  CHECK(seconds_of(outcome.sojourns) == std::vector<double>{10, 14, 14});
  CHECK(outcome.starts == std::vector<int>{1, 1, 1});
  CHECK(outcome.started == 1);
  CHECK(outcome.peak == 1);
  CHECK(outcome.scale_operations == 1);
  CHECK(outcome.interrupted == 0);
  // To the end of its last job, which is after the last arrival and its tail.
  CHECK(to_seconds(outcome.worker_time) == 16);
}

TEST_CASE("a worker costs from its creation, and takes its time to start") {
  Surroundings around = at_once();
  around.start_fixed = Micros{4'000'000};
  around.tail = Micros{20'000'000};
  Script late({0, 0, 0, 2});
  const Load load = load_of({{0.5, 1}, {0.5, 1}, {0.5, 1}});
  const Outcome outcome = play(load, late, around);
  CHECK(seconds_of(outcome.waits) == std::vector<double>{6.5, 6.5, 7.5});
  CHECK(to_seconds(outcome.worker_time) == 2 * (20.5 - 3));
  // What a policy sees.
  REQUIRE(late.seen.size() > 9);
  const scaling::Snapshot& starting = late.seen[5];
  CHECK(starting.now == Millis{5000});
  CHECK(starting.demand->waiting == 3);
  CHECK(starting.demand->active_all == 0);
  CHECK(starting.current == 2);
  CHECK(starting.workers.starting == 2);
  CHECK(starting.workers.ready == 0);
  CHECK(starting.workers.serving_slots == 0);
  const scaling::Snapshot& running = late.seen[7];
  CHECK(running.started_in == std::vector<Millis>{Millis{4000}, Millis{4000}});
  CHECK(running.demand->waiting == 1);
  CHECK(running.demand->active_serving == 2);
  CHECK(running.demand->counters->started == 2);
  CHECK(running.demand->counters->completed == 0);
  CHECK(running.workers.busy == 2);
  const scaling::Snapshot& done = late.seen[9];
  CHECK(done.started_in.empty());
  CHECK(done.demand->counters->completed == 3);
  CHECK(done.demand->counters->busy_ms == 3000);
  CHECK(done.workers.serving_slots == 2);
}

TEST_CASE("starting workers go first, then idle ones; a busy one ends with its job") {
  // Two are created at 0; one of them takes the job of a minute. At 16 s a third is asked for; at
  // 17 s one must go: the third, which starts. At 18 s one: the idle one. At 19 s the busy one.
  Surroundings around = at_once();
  around.start_fixed = Micros{10'000'000};
  around.tail = Micros{100'000'000};
  std::vector<int> sizes(16, 2);
  sizes.insert(sizes.end(), {3, 2, 1, 0});
  Script script(sizes);
  const Load load = load_of({{12, 60}});
  const Outcome outcome = play(load, script, around);
  CHECK(outcome.interrupted == 0);
  CHECK(outcome.started == 3);
  CHECK(outcome.scale_operations == 5);
  // The third from 16 to 17 s, the idle one to 18 s, the busy one to 72 s.
  CHECK(to_seconds(outcome.worker_time) == 1 + 18 + 72);
  const scaling::Snapshot& draining = script.seen[20];
  CHECK(draining.current == 0);
  CHECK(draining.workers.retiring == 1);
  CHECK(draining.workers.leaving_busy == 1);
  CHECK(draining.demand->active_all == 1);
  CHECK(draining.demand->active_serving == 0);
}

TEST_CASE("who drains is called back before anyone is started, unless that can't be") {
  const Load load = load_of({{0, 30}, {20, 5}});
  for (const bool call_back : {true, false}) {
    CAPTURE(call_back);
    Surroundings around = at_once();
    around.call_back = call_back;
    std::vector<int> sizes(10, 1);
    sizes.insert(sizes.end(), {0, 0, 1});
    Script script(sizes);
    const Outcome outcome = play(load, script, around);
    CHECK(outcome.started == (call_back ? 1 : 2));
    CHECK(script.created == outcome.started);
    CHECK(seconds_of(outcome.waits) == std::vector<double>{0, call_back ? 10.0 : 0.0});
    CHECK(outcome.interrupted == 0);
  }
}

TEST_CASE("with a grace the newest go, busy or not, and what they ran begins anew") {
  Surroundings around = at_once();
  around.grace = Micros{5'000'000};
  std::vector<int> sizes(10, 2);
  sizes.push_back(1);
  Script script(sizes);
  // The first worker takes the first job, which is over at 3 s; the second one's is killed at 15 s
  // and begins again on the first.
  const Load load = load_of({{0, 3}, {1, 60}});
  const Outcome outcome = play(load, script, around);
  CHECK(outcome.interrupted == 1);
  CHECK(outcome.starts == std::vector<int>{1, 2});
  CHECK(seconds_of(outcome.waits) == std::vector<double>{0, 0});
  CHECK(seconds_of(outcome.sojourns) == std::vector<double>{3, 74});
  CHECK(to_seconds(outcome.worker_time) == 75 + 15);
}

TEST_CASE("a worker with several slots runs several jobs at once") {
  Script one({1});
  const Load load = load_of({{0, 10}, {0, 10}, {0, 10}, {0, 4}});
  const Outcome three = play(load, one, at_once(3));
  CHECK(seconds_of(three.waits) == std::vector<double>{0, 0, 0, 10});
  CHECK(to_seconds(three.worker_time) == 14);
}

TEST_CASE("never more jobs at once than maxActive, however many slots are free") {
  Surroundings around = at_once();
  around.max_active = 2;
  Script five({5});
  const Outcome outcome = play(load_of({{0, 10}, {0, 10}, {0, 10}, {0, 10}}), five, around);
  CHECK(seconds_of(outcome.waits) == std::vector<double>{0, 0, 10, 10});
}

TEST_CASE("the oracle waits for nothing and has nobody idle") {
  const Load load = load_of({{0, 10}, {5, 10}, {20, 1}});
  const Outcome one = play_oracle(load, at_once());
  CHECK(to_seconds(one.worker_time) == 21);
  CHECK(one.peak == 2);
  CHECK(seconds_of(one.waits) == std::vector<double>{0, 0, 0});
  const Outcome two = play_oracle(load, at_once(2));
  CHECK(to_seconds(two.worker_time) == 16);
  CHECK(two.peak == 1);
}

TEST_CASE("every policy runs every job exactly once, and costs no less than the oracle") {
  for (const std::string& shape : shape_names()) {
    Generated options;
    options.shape = parse_shape(shape);
    options.rate = usual_rate(options.shape);
    options.sigma = usual_sigma(options.shape);
    options.duration = std::chrono::minutes{20};
    options.seed = 5;
    const Load load = generate(options);
    for (const int concurrency : {1, 4}) {
      Surroundings around;
      around.concurrency = concurrency;
      const Outcome oracle = play_oracle(load, around);
      for (const std::string& policy : kPolicies) {
        CAPTURE(shape);
        CAPTURE(policy);
        CAPTURE(concurrency);
        around.call_back = policy != "HPA-like";
        const Outcome outcome = play(load, *sizer_of(policy, concurrency), around);
        CHECK(outcome.interrupted == 0);
        CHECK(outcome.starts == std::vector<int>(load.jobs.size(), 1));
        REQUIRE(outcome.waits.size() == load.jobs.size());
        for (std::size_t i = 0; i < load.jobs.size(); ++i) {
          REQUIRE(outcome.waits[i] >= Micros{0});
          REQUIRE(outcome.sojourns[i] == outcome.waits[i] + load.jobs[i].service);
        }
        // With several slots jobs that had to wait may share a worker which the oracle had not.
        if (concurrency == 1) CHECK(outcome.worker_time >= oracle.worker_time);
        CHECK(outcome.worker_time * concurrency >= load.total_service());
        for (const Sample& sample : outcome.samples) {
          REQUIRE(sample.running <= sample.workers * concurrency);
        }
        // In the end everybody has gone home, but for those who just ended a very long job.
        if (shape != "heavy") CHECK(outcome.samples.back().workers == 0);
      }
    }
  }
}

TEST_CASE("the same seed gives the same outcome, another one other start delays") {
  const Load load = recorded("spike-10s");
  const auto run = [&](std::uint64_t seed) {
    Surroundings around;
    around.seed = seed;
    return play(load, *sizer_of("LookAhead"), around);
  };
  const Outcome first = run(1);
  const Outcome again = run(1);
  CHECK(first.waits == again.waits);
  CHECK(first.worker_time == again.worker_time);
  CHECK(first.started == again.started);
  CHECK(run(2).waits != first.waits);
}

TEST_CASE("more work than the pool may have workers for is done all the same, later") {
  const Load load = load_of(std::vector<std::pair<double, double>>(200, {1, 10}));
  const scaling::Params params = params_of(scaling::Policy::look_ahead, 4);
  Surroundings around;
  around.tail = Micros{0};
  const Outcome outcome = play(load, *operator_sizer(params), around);
  CHECK(outcome.peak == 4);
  CHECK(outcome.starts == std::vector<int>(200, 1));
  CHECK(outcome.worker_time >= load.total_service());
  CHECK(to_seconds(outcome.waits.back()) == doctest::Approx(500).epsilon(0.05));
}

TEST_CASE("a policy that asks for nobody is not asked for ever") {
  Script nobody({0});
  CHECK_THROWS_AS((void)play(load_of({{0, 1}}), nobody, at_once()), std::runtime_error);
  // Who comes late is waited for.
  std::vector<int> sizes(3600, 0);
  sizes.push_back(1);
  Script late(sizes);
  CHECK(to_seconds(play(load_of({{0, 1}}), late, at_once()).waits[0]) == 3600);
}

TEST_CASE("percentiles are values that occurred") {
  std::vector<Micros> values;
  for (int i = 100; i >= 1; --i) values.emplace_back(i);
  CHECK(percentile(values, 50) == Micros{50});
  CHECK(percentile(values, 99) == Micros{99});
  CHECK(percentile(values, 100) == Micros{100});
  CHECK(percentile(values, 0) == Micros{1});
  CHECK(percentile({Micros{7}}, 99) == Micros{7});
  CHECK(percentile({}, 99) == Micros{0});
}
