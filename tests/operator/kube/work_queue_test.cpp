#include "operator/kube/work_queue.h"

#include <array>
#include <atomic>
#include <doctest/doctest.h>
#include <future>
#include <set>
#include <thread>
#include <vector>

namespace wp::kube {
namespace {

TEST_CASE("a key waits once, and comes again when it was added while in work") {
  WorkQueueState state;
  CHECK(state.add("a", Millis{0}));
  CHECK_FALSE(state.add("a", Millis{1}));
  CHECK(state.ready() == 1);
  const auto taken = state.take(Millis{5});
  REQUIRE(taken);
  CHECK(taken->key == "a");
  CHECK(taken->waited == Millis{5});
  CHECK_FALSE(state.add("a", Millis{6}));  // in work: not for another worker
  CHECK_FALSE(state.add("a", Millis{7}));
  CHECK_FALSE(state.take(Millis{8}));
  CHECK(state.done("a", Millis{9}) == Millis{4});
  CHECK(state.ready() == 1);
  CHECK(state.take(Millis{10})->key == "a");
  state.done("a", Millis{11});
  CHECK(state.ready() == 0);
  CHECK_FALSE(state.done("a", Millis{12}));
}

TEST_CASE("of two delays of a key the earlier wins") {
  WorkQueueState state;
  CHECK(state.add_at("a", Millis{100}));
  CHECK_FALSE(state.add_at("a", Millis{200}));
  CHECK(state.next_deadline() == Millis{100});
  CHECK(state.add_at("a", Millis{50}));
  CHECK_FALSE(state.add_at("b", Millis{60}));
  CHECK(state.promote(Millis{49}) == 0);
  CHECK(state.promote(Millis{55}) == 1);
  CHECK(state.next_deadline() == Millis{60});
  CHECK(state.promote(Millis{1000}) == 1);  // and "a" is not there a second time
  CHECK_FALSE(state.next_deadline());
}

TEST_CASE("a delayed key that is in work by then comes after it") {
  WorkQueueState state;
  state.add("a", Millis{0});
  state.take(Millis{0});
  state.add_at("a", Millis{10});
  CHECK(state.promote(Millis{10}) == 0);
  state.done("a", Millis{20});
  CHECK(state.ready() == 1);
}

TEST_CASE("the backoff doubles up to its cap and is forgotten") {
  WorkQueueState state;
  const Millis base{5};
  const Millis cap{300000};
  CHECK(state.next_backoff("a", base, cap) == Millis{5});
  CHECK(state.next_backoff("a", base, cap) == Millis{10});
  CHECK(state.next_backoff("b", base, cap) == Millis{5});
  for (int i = 0; i < 100; ++i) CHECK(state.next_backoff("a", base, cap) <= cap);
  CHECK(state.next_backoff("a", base, cap) == cap);
  CHECK(state.failures("a") == 103);
  state.forget("a");
  CHECK(state.next_backoff("a", base, cap) == base);
}

TEST_CASE("shutdown takes in nothing, drops the delayed and keeps what is queued") {
  WorkQueueState state;
  state.add("a", Millis{0});
  state.add_at("b", Millis{10});
  state.shut_down();
  CHECK_FALSE(state.add("c", Millis{0}));
  CHECK_FALSE(state.add_at("d", Millis{1}));
  CHECK(state.promote(Millis{100}) == 0);
  CHECK(state.take(Millis{1}));
}

TEST_CASE("get() waits for a key, for a delay and for shutdown") {
  WorkQueue queue({.name = "test"});
  auto first = std::async(std::launch::async, [&] { return queue.get(); });
  queue.add("now");
  CHECK(first.get() == "now");
  queue.done("now");

  const Millis begin = system_clock().steady();
  queue.add_after("later", Millis{10000});
  auto second = std::async(std::launch::async, [&] { return queue.get(); });
  queue.add_after("sooner", Millis{30});
  CHECK(second.get() == "sooner");
  const Millis took = system_clock().steady() - begin;
  CHECK(took >= Millis{30});
  CHECK(took < Millis{5000});
  queue.done("sooner");

  auto third = std::async(std::launch::async, [&] { return queue.get(); });
  queue.shut_down();
  CHECK_FALSE(third.get());
}

TEST_CASE("draining waits for what is in work") {
  WorkQueue queue({.name = "test"});
  queue.add("a");
  REQUIRE(queue.get());
  CHECK_FALSE(queue.shut_down_and_drain(Millis{1}));
  auto drained =
      std::async(std::launch::async, [&] { return queue.shut_down_and_drain(Millis{10000}); });
  queue.done("a");
  CHECK(drained.get());
}

TEST_CASE("several workers: no key is in two hands, no addition is lost") {
  metrics::Registry registry;
  WorkQueue queue({.name = "test", .base_delay = Millis{1}, .metrics = &registry});
  constexpr int kKeys = 20;
  std::array<std::atomic<int>, kKeys> in_work{};
  std::array<std::atomic<int>, kKeys> wanted{};
  std::array<std::atomic<int>, kKeys> seen{};
  std::atomic<bool> twice{false};
  std::vector<std::jthread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      while (const auto key = queue.get()) {
        const auto index = static_cast<std::size_t>(std::stoi(*key));
        if (in_work[index].fetch_add(1) != 0) twice = true;
        seen[index] = wanted[index].load();
        in_work[index].fetch_sub(1);
        queue.done(*key);
      }
    });
  }
  for (int round = 1; round <= 500; ++round) {
    for (int key = 0; key < kKeys; ++key) {
      wanted[static_cast<std::size_t>(key)] = round;
      if ((round + key) % 3 == 0) {
        queue.add_after(std::to_string(key), Millis{1});
      } else {
        queue.add(std::to_string(key));
      }
    }
  }
  for (int key = 0; key < kKeys; ++key) queue.add(std::to_string(key));
  CHECK(queue.shut_down_and_drain(Millis{20000}));
  workers.clear();
  CHECK_FALSE(twice);
  for (std::size_t key = 0; key < kKeys; ++key) CHECK(seen[key] == 500);
  CHECK(registry.text().find("workqueue_depth{controller=\"test\",name=\"test\"} 0") !=
        std::string::npos);
}

}  // namespace
}  // namespace wp::kube
