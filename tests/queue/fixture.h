// One redis-server for all cases of the binary (a flush between them), and a queue on it.
#pragma once

#include <doctest/doctest.h>
#include <map>
#include <string>
#include <vector>

#include "queue/queue.h"
#include "tests/support/redis_server.h"

namespace wp::test {

inline RedisServer& shared_redis() {
  static RedisServer server;
  return server;
}

// Two workers' ids.
inline const std::string kWorker = "pod-a/00000001";
inline const std::string kOther = "pod-b/00000002";

using Fields = std::map<std::string, std::string>;

/// A fresh queue with a configuration, and a raw connection beside it to look and to meddle.
struct QueueFixture {
  explicit QueueFixture(Fields fields = {}) {
    // A busy machine takes its time, for jobs of many MiB above all.
    for (redis::Connection* each : {&connection, &raw}) {
      each->set_patience(Millis{60000}, Millis{60000});
      each->connect();
    }
    (void)raw.execute({"FLUSHALL"});
    Fields all{{"lease_ms", "15000"},
               {"max_attempts", "3"},
               {"backoff_initial_ms", "0"},
               {"backoff_max_ms", "0"}};
    for (const auto& [field, value] : fields) all[field] = value;
    (void)queue.write_config(all, "hash", "pool-uid", 1);
  }

  std::vector<queue::Enqueued> put(std::vector<queue::NewJob> jobs) { return queue.enqueue(jobs); }
  void put(const std::string& id, int priority = queue::kDefaultPriority) {
    queue::NewJob job;
    job.id = id;
    job.payload = "payload of " + id;
    job.priority = priority;
    (void)put({job});
  }
  std::vector<queue::ClaimedJob> claim(const std::string& worker, int want = 1) {
    return queue.step(worker, {}, want).claimed;
  }
  static queue::Settlement settle(const queue::ClaimedJob& job,
                                  queue::Outcome outcome = queue::Outcome::complete,
                                  const std::string& text = "") {
    queue::Settlement s;
    s.id = job.id;
    s.epoch = job.epoch;
    s.outcome = outcome;
    s.text = text;
    return s;
  }
  void set(const std::string& field, const std::string& value) {
    (void)raw.execute({"HSET", queue::key_name("q", "cfg"), field, value});
  }
  void check() {
    const auto problems = queue.check();
    for (const std::string& problem : problems) CAPTURE(problem);
    CHECK(problems.empty());
    if (!problems.empty()) MESSAGE(problems.front());
  }

  redis::Connection connection{shared_redis().endpoint()};
  redis::Connection raw{shared_redis().endpoint()};
  queue::Queue queue{connection, "q"};
};

}  // namespace wp::test
