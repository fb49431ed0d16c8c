#include "runner/event_loop.h"

#include <doctest/doctest.h>
#include <string>
#include <sys/epoll.h>
#include <thread>

#include "runner/process/spawn.h"

using namespace wp;
using namespace wp::runner;

TEST_CASE("timers run in the order of their times, cancelled ones never") {
  EventLoop loop;
  std::string order;
  loop.after(Millis{20}, [&] {
    order += 'c';
    loop.stop();
  });
  loop.after(Millis{1}, [&] { order += 'a'; });
  const auto cancelled = loop.after(Millis{5}, [&] { order += 'x'; });
  loop.after(Millis{10}, [&] { order += 'b'; });
  loop.cancel(cancelled);
  loop.run([] {});
  CHECK(order == "abc");
}

TEST_CASE("calls from other threads run in order, and before the loop ends") {
  EventLoop loop;
  std::string order;
  std::thread other([&] {
    for (char c = 'a'; c <= 'e'; ++c) loop.post([&order, c] { order += c; });
    loop.stop();
  });
  loop.run([] {});
  other.join();
  CHECK(order == "abcde");
}

TEST_CASE("a forgotten descriptor is silent, also when its event is already at hand") {
  EventLoop loop;
  Pipe first = make_pipe();
  Pipe second = make_pipe();
  REQUIRE(write(first.write.get(), "x", 1) == 1);
  REQUIRE(write(second.write.get(), "x", 1) == 1);
  int calls = 0;
  const auto once = [&](std::uint32_t) {
    ++calls;
    loop.forget(first.read.get());
    loop.forget(second.read.get());
    loop.stop();
  };
  loop.watch(first.read.get(), EPOLLIN, once);
  loop.watch(second.read.get(), EPOLLIN, once);
  loop.run([] {});
  CHECK(calls == 1);
}
