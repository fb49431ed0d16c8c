// SCRIPT FLUSH and CLIENT KILL from one side, producers and workers from the other.
#include <atomic>
#include <doctest/doctest.h>
#include <map>
#include <mutex>
#include <thread>

#include "tests/queue/fixture.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::queue;

namespace {

constexpr int kJobs = 600;
std::atomic<bool> failed{false};  // a thread gave up: there is no use in going on

/// Repeats `act` on a connection of its own until it says that it is done; a cut is followed by a
/// new connection, and `cut` is told.
void persist(const std::function<bool(Queue&)>& act, const std::function<void(Queue&)>& cut) {
  redis::Connection connection(test::shared_redis().endpoint());
  Queue queue(connection, "q");
  bool done = false, lost = false;
  while (!done && !failed) {
    try {
      if (!connection.connected()) {
        connection.connect();
        if (lost) cut(queue);
        lost = false;
      }
      done = act(queue);
    } catch (const redis::Error& e) {
      const std::string what = e.what();
      CAPTURE(what);
      CHECK(e.connection_lost());
      if (!e.connection_lost()) failed = true;
      lost = true;
    }
  }
}

}  // namespace

TEST_CASE("scripts forgotten and connections cut, at any moment: every job completes once") {
  test::QueueFixture f;
  std::atomic<int> accepted{0};
  std::atomic<bool> over{false};
  std::mutex mutex;
  std::map<std::string, int> completions, unknown;

  std::vector<std::thread> threads;
  threads.emplace_back([] {
    int next = 0;
    persist(
        [&next](Queue& queue) {
          std::vector<NewJob> jobs(10);
          for (int i = 0; i < 10; ++i) {
            jobs[static_cast<std::size_t>(i)].id = "job-" + std::to_string(next + i);
          }
          (void)queue.enqueue(jobs);
          next += 10;
          return next == kJobs;
        },
        [](Queue&) {});
  });
  for (int number = 0; number < 2; ++number) {
    threads.emplace_back([&, number] {
      const std::string worker = "pod/" + std::to_string(number);
      std::vector<Settlement> ends;
      persist(
          [&](Queue& queue) {
            const StepResult result = queue.step(worker, ends, 5);
            const std::lock_guard lock(mutex);
            for (std::size_t i = 0; i < ends.size(); ++i) {
              const bool done = result.settled[i] == Settled::done;
              ++(done ? completions : unknown)[ends[i].id];
              if (done) ++accepted;
            }
            ends.clear();
            for (const ClaimedJob& job : result.claimed) {
              ends.push_back(test::QueueFixture::settle(job));
            }
            return over.load() && ends.empty();
          },
          [&](Queue& queue) {
            std::vector<Claim> known;
            for (const Settlement& end : ends) known.push_back({end.id, end.epoch});
            (void)queue.beat(worker, known, {}, "", true);
          });
    });
  }
  const bool finished = test::eventually(
      [&] {
        (void)f.raw.execute({"SCRIPT", "FLUSH"});
        (void)f.raw.execute({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
        for (int i = 0; i < 5; ++i) (void)f.raw.execute({"SCRIPT", "FLUSH"});
        const redis::Reply done = f.raw.execute({"ZCARD", key_name("q", "done")});
        return done.integer() == kJobs || failed;
      },
      Millis{60000});
  over = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(finished);

  f.connection.connect();
  CHECK(f.queue.counts().stat.at("completed") == kJobs);
  // What nobody was told of was told again, and refused: it had been accepted.
  int known = 0;
  for (const auto& [id, count] : completions) {
    CHECK(count == 1);
    known += count;
  }
  for (const auto& [id, count] : unknown) known += completions.contains(id) ? 0 : 1;
  CHECK(known == kJobs);
  f.check();
}
