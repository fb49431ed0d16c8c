#include "operator/workload/worker_set.h"

#include <doctest/doctest.h>

using namespace wp;
using workload::WorkerPod;
using workload::WorkerSet;

namespace {

WorkerSet::Now at(std::int64_t ms) {
  return {Millis{ms}, Millis{1000000 + ms}};
}

struct Fixture {
  int made = 0;
  int pids = 100;
  WorkerSet set{"pool", Millis{60000}, [this] { return "u" + std::to_string(++made); }};

  // Carries out what is due, as if every start succeeded; answers what was ordered.
  WorkerSet::Todo step(std::int64_t ms) {
    const WorkerSet::Todo todo = set.due(Millis{ms});
    for (const std::string& uid : todo.start) set.started(uid, ++pids, Millis{ms});
    return todo;
  }
  std::vector<WorkerPod> pods() {
    return set.pods([](const std::string&) { return true; }, Millis{777});
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "places are numbered from 1 and start at once, all of them") {
  set.resize(3, {}, at(0));
  CHECK(set.replicas() == 3);
  CHECK(step(0).start == Names{"pool-1-u1", "pool-2-u2", "pool-3-u3"});
  CHECK(step(0).start.empty());
  CHECK(set.next_deadline() == WorkerSet::kNever);
  CHECK(set.name_of("pool-2-u2") == "pool-2");
  CHECK(set.number_of("pool-2-u2") == 2);
  CHECK(pods()[0].created == Millis{1000000});
}

TEST_CASE_FIXTURE(Fixture, "going down: the victims first, then the newest; each is told once") {
  set.resize(4, {}, at(0));
  step(0);
  set.resize(2, {"pool-1-u1"}, at(10));
  CHECK(set.replicas() == 2);
  CHECK(set.next_deadline() == Millis{0});
  CHECK(step(10).terminate == Names{"pool-1-u1", "pool-4-u4"});
  CHECK(step(10).terminate.empty());
  CHECK(pods().size() == 4);
  CHECK(pods()[0].terminating);
  set.ended("pool-1-u1", Millis{20}, "exit status 0", 2);
  CHECK(pods().size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "more victims than the surplus: only so many go") {
  set.resize(3, {}, at(0));
  step(0);
  set.resize(2, {"pool-1-u1", "pool-2-u2", "unknown"}, at(1));
  CHECK(step(1).terminate == Names{"pool-1-u1"});
}

TEST_CASE_FIXTURE(Fixture, "who does not leave in its time is killed, once") {
  set.resize(1, {}, at(0));
  step(0);
  set.resize(0, {}, at(100));
  step(100);
  CHECK(set.next_deadline() == Millis{60100});
  CHECK(step(60099).kill.empty());
  CHECK(step(60100).kill == Names{"pool-1-u1"});
  CHECK(step(70000).kill.empty());
  CHECK(set.next_deadline() == WorkerSet::kNever);
  set.ended("pool-1-u1", Millis{70001}, "signal 9", 2);
  CHECK(set.empty());
}

TEST_CASE_FIXTURE(Fixture, "a number is free again after its worker has gone, a uid never") {
  set.resize(2, {}, at(0));
  step(0);
  set.resize(1, {"pool-1-u1"}, at(1));
  step(1);
  set.resize(2, {}, at(2));  // pool-1 still leaves
  CHECK(step(2).start == Names{"pool-3-u3"});
  set.ended("pool-1-u1", Millis{3}, "", 2);
  set.resize(3, {}, at(4));
  CHECK(step(4).start == Names{"pool-1-u4"});
}

TEST_CASE_FIXTURE(Fixture, "an unexpected end: started again with backoff, under the same uid") {
  set.resize(1, {}, at(0));
  step(0);
  std::int64_t now = 0;
  for (const std::int64_t wait : {200, 400, 800, 1600, 3200, 6400, 10000, 10000}) {
    set.ended("pool-1-u1", Millis{now}, "ended with exit status 2", 2);
    CHECK(pods()[0].waiting == "ended with exit status 2");
    CHECK_FALSE(pods()[0].ready);
    CHECK(set.next_deadline() == Millis{now + wait});
    CHECK(step(now + wait - 1).start.empty());
    now += wait;
    CHECK(step(now).start == Names{"pool-1-u1"});
    CHECK(pods()[0].waiting.empty());
  }
  now += 10000;  // it lived long enough: the next failure is a first one
  set.ended("pool-1-u1", Millis{now}, "signal 9", 2);
  CHECK(set.next_deadline() == Millis{now + 200});
}

TEST_CASE_FIXTURE(Fixture, "a place that waits to start has nobody to say goodbye to") {
  set.resize(2, {}, at(0));
  step(0);
  set.ended("pool-2-u2", Millis{5}, "signal 9", 2);
  set.resize(1, {}, at(6));
  CHECK(pods().size() == 1);
  CHECK(step(1000).start.empty());
  CHECK(step(1000).terminate.empty());
}

TEST_CASE_FIXTURE(Fixture, "ready: registered with the queue, until the process ends") {
  set.resize(1, {}, at(0));
  const auto look = [&](bool registered) {
    return set.pods([&](const std::string&) { return registered; }, Millis{777})[0].ready;
  };
  CHECK_FALSE(look(true));  // no process yet
  step(0);
  CHECK_FALSE(look(false));
  CHECK(look(true));
  CHECK(look(false));  // the reading failed meanwhile: still ready
  set.ended("pool-1-u1", Millis{5}, "signal 9", 2);
  step(1000);
  CHECK_FALSE(look(false));
}

TEST_CASE_FIXTURE(Fixture, "marks: what is so already, gone or leaving is no change") {
  set.resize(3, {}, at(0));
  step(0);
  CHECK(set.mark("pool-1-u1", true));
  CHECK_FALSE(set.mark("pool-1-u1", true));
  CHECK_FALSE(set.mark("unknown", true));
  CHECK(pods()[0].marked);
  CHECK(set.witness().current);
  CHECK(set.witness().existing == 3);
  CHECK(set.witness().marked == 1);
  CHECK(set.witness().ready == 3);

  set.resize(2, {"pool-1-u1"}, at(1));
  CHECK(set.witness().existing == 2);
  CHECK(set.witness().marked == 0);
  CHECK_FALSE(set.mark("pool-1-u1", false));
  CHECK(set.mark("pool-2-u2", true));
  CHECK(set.mark("pool-2-u2", false));
  CHECK(set.witness().marked == 0);
}

TEST_CASE_FIXTURE(Fixture, "a mark survives an unexpected end of its worker") {
  set.resize(1, {}, at(0));
  step(0);
  set.mark("pool-1-u1", true);
  set.ended("pool-1-u1", Millis{5}, "", 1);
  step(1000);
  CHECK(set.witness().marked == 1);
}

TEST_CASE_FIXTURE(Fixture, "nobody but the victims goes while there are enough of them") {
  set.resize(5, {}, at(0));
  step(0);
  set.resize(3, {"pool-2-u2", "pool-3-u3"}, at(1));
  CHECK(step(1).terminate == Names{"pool-2-u2", "pool-3-u3"});
  set.resize(3, {"pool-4-u4"}, at(2));  // nothing is to go
  CHECK(step(2).terminate.empty());
}

TEST_CASE_FIXTURE(Fixture, "each start of a process is another container") {
  set.resize(1, {}, at(0));
  CHECK(pods()[0].container.empty());
  CHECK_FALSE(pods()[0].running);
  step(0);
  WorkerPod pod = pods()[0];
  CHECK(pod.container == "pid-101");
  CHECK(pod.container_running);
  CHECK(pod.running);
  CHECK(pod.restarts == 0);
  CHECK(pod.ready_since == Millis{777});

  set.ended("pool-1-u1", Millis{5}, "signal 9", 137);
  pod = pods()[0];
  CHECK(pod.container == "pid-101");
  CHECK_FALSE(pod.container_running);
  CHECK(pod.exit_code == 137);
  CHECK(pod.ready_since == Millis{0});

  step(1000);
  pod = pods()[0];
  CHECK(pod.container == "pid-102");
  CHECK(pod.container_running);
  CHECK(pod.restarts == 1);
  CHECK(pod.exit_code == 137);  // of the last end
}

TEST_CASE_FIXTURE(Fixture, "a place that is replaced: its worker goes, another uid comes at once") {
  set.resize(2, {}, at(0));
  step(0);
  CHECK(set.replace("pool-1-u1", at(5)));
  CHECK_FALSE(set.replace("pool-1-u1", at(5)));
  CHECK_FALSE(set.replace("unknown", at(5)));
  CHECK(set.replicas() == 2);
  const WorkerSet::Todo todo = step(5);
  CHECK(todo.terminate == Names{"pool-1-u1"});
  CHECK(todo.start == Names{"pool-3-u3"});
  CHECK(set.next_deadline() == Millis{60005});
  set.ended("pool-1-u1", Millis{6}, "", 0);
  CHECK(pods().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "a place that is replaced while it waits is gone at once") {
  set.resize(1, {}, at(0));
  step(0);
  set.ended("pool-1-u1", Millis{5}, "", 1);
  CHECK(set.replace("pool-1-u1", at(6)));
  CHECK(pods().size() == 1);
  CHECK(step(6).start == Names{"pool-1-u2"});
}
