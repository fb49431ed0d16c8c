#include "queue/job.h"

#include <doctest/doctest.h>

#include "queue/queue.h"

using namespace wp::queue;

TEST_CASE("what a job may be") {
  NewJob job;
  CHECK(problem_with(job, 10).empty());
  job.payload = std::string(11, 'x');
  CHECK(problem_with(job, 10).find("payload of 11 bytes: allowed are 10") != std::string::npos);
  job = {};
  job.id = "a b";
  CHECK(problem_with(job, 10).find("id \"a b\"") != std::string::npos);
  job = {};
  job.type = "";
  CHECK_FALSE(problem_with(job, 10).empty());
  job = {};
  job.delay = wp::Millis{-1};
  CHECK_FALSE(problem_with(job, 10).empty());
}

TEST_CASE("a time-out of its own: 1 ms to 30 days, of each step of a chain, too") {
  constexpr std::int64_t kThirtyDays = 30ll * 24 * 3600 * 1000;
  for (const std::int64_t fine : {std::int64_t{0}, std::int64_t{1}, kThirtyDays}) {
    NewJob job;
    job.timeout = wp::Millis{fine};
    job.chain.resize(1);
    job.chain[0].timeout = wp::Millis{fine};
    CHECK(problem_with(job, 10).empty());
  }
  for (const std::int64_t bad : {std::int64_t{-1}, kThirtyDays + 1}) {
    NewJob job;
    job.timeout = wp::Millis{bad};
    CHECK(problem_with(job, 10).find("allowed are 1 ms to 30 days") != std::string::npos);
    job = {};
    job.chain.resize(1);
    job.chain[0].timeout = wp::Millis{bad};
    CHECK(problem_with(job, 10).starts_with("chain: timeout"));
  }
}

TEST_CASE("queue names") {
  CHECK(problem_with_queue_name("media/thumbnails").empty());
  CHECK_FALSE(problem_with_queue_name("").empty());
  CHECK_FALSE(problem_with_queue_name("a{b}").empty());
  CHECK_FALSE(problem_with_queue_name("a b").empty());
  CHECK(key_name("ns/q", "ready") == "wp:{ns/q}:ready");
}

TEST_CASE("states have one name each way") {
  for (const JobState state : {JobState::ready, JobState::alone, JobState::delayed,
                               JobState::active, JobState::done, JobState::dead}) {
    CHECK(parse_job_state(to_string(state)) == state);
  }
}
