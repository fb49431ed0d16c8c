// Documents that jobs share, chains and schemas, with real runners and programs.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

namespace {

RunnerSetup shell(const RedisServer& redis, const std::string& script, int slots = 1) {
  return {redis.url(),
          "q",
          {"--concurrency", std::to_string(slots), "--", "/bin/sh", "-c", script},
          {}};
}

nlohmann::json document(QueueClient& queue, const std::string& session) {
  const redis::Reply packed =
      queue.connection().execute({"HGET", queue::key_name("q", "sess"), session});
  REQUIRE_FALSE(packed.is_nil());
  return nlohmann::json::parse(
      nlohmann::json::from_msgpack(packed.text()).at(1).get<std::string>());
}

std::string enqueue(QueueClient& queue, queue::NewJob job) {
  std::vector<queue::NewJob> jobs{std::move(job)};
  return queue->enqueue(jobs, true).at(0).id;
}

}  // namespace

TEST_CASE("two workers, ten chains of three steps on one session: every step runs, none is lost") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000);
  // Each step adds a member of its own, answers what the one before answered and its name, and
  // takes long enough for the others to write meanwhile.
  const char* const script =
      "before=$(cat \"${WP_PREVIOUS_FILE:-/dev/null}\" | tr -d '\"'); read step; sleep 0.02; "
      "printf '{\"%s-%s\": true}' \"$WP_JOB_ID\" \"$step\" > $WP_SESSION_PATCH_FILE; "
      "printf %s \"$before$step\"";
  RunnerProcess first(shell(redis, script, 3));
  RunnerProcess second(shell(redis, script, 3));
  std::vector<std::string> last;
  for (int i = 0; i < 10; ++i) {
    queue::NewJob job;
    job.id = "run" + std::to_string(i);
    job.session = "shared";
    job.payload = "a\n";
    job.chain = {{job.id + "b", "default", "b\n"}, {job.id + "c", "default", "c\n"}};
    enqueue(queue, job);
    last.push_back(job.id + "c");
  }
  for (const std::string& id : last) {
    const queue::JobView view = queue.wait_state(id, JobState::done);
    CHECK(nlohmann::json::parse(view.result).at("result") == "abc");
  }
  CHECK(document(queue, "shared").size() == 30);
  CHECK(queue->counts().stat.at("completed") == 30);
  CHECK(queue->check().empty());
}

TEST_CASE("a patch that is none fails the job and leaves the session") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000, {{"max_attempts", "1"}});
  for (const char* script : {"echo '[1]' > $WP_SESSION_PATCH_FILE", "mkfifo $WP_SESSION_PATCH_FILE",
                             "ln -s /dev/zero $WP_SESSION_PATCH_FILE",
                             "head -c 17000000 /dev/zero > $WP_SESSION_PATCH_FILE"}) {
    RunnerProcess runner(shell(redis, script));
    queue::NewJob job;
    job.session = "s";
    const std::string id = enqueue(queue, job);
    CHECK(queue.wait_state(id, JobState::dead).result.find("patch is no JSON object") !=
          std::string::npos);
  }
  CHECK(document(queue, "s") == nlohmann::json::object());
}

TEST_CASE("a document that would grow too large buries the job; a session that is gone fails it") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000, {{"session_max_bytes", "100"}, {"max_attempts", "1"}});
  RunnerProcess runner(shell(redis, "printf '{\"x\": \"%0200d\"}' 1 > $WP_SESSION_PATCH_FILE"));
  queue::NewJob job;
  job.session = "s";
  CHECK(queue.wait_state(enqueue(queue, job), JobState::dead).result.find("SessionTooLarge") !=
        std::string::npos);

  job.delay = Millis{3600000};  // until its session is gone
  job.session = "short";
  const std::string gone = enqueue(queue, job);
  (void)queue.connection().execute({"ZREM", queue::key_name("q", "sessexp"), "short"});
  (void)queue.connection().execute({"HDEL", queue::key_name("q", "sess"), "short"});
  (void)queue->promote({gone});
  CHECK(queue.wait_state(gone, JobState::dead).result.find("SessionGone") != std::string::npos);
}

TEST_CASE("a payload that breaks the pool's schema is dead, and its handler never saw it") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000, {{"schema", R"({"type":"object","required":["url"]})"}});
  Folder folder;
  RunnerProcess runner(shell(redis, "echo run >> " + (folder / "runs")));
  const std::string bad = queue.enqueue("{}");
  const std::string good = queue.enqueue(R"({"url":"x"})");
  CHECK(queue.wait_state(bad, JobState::dead).result.find("SchemaMismatch") != std::string::npos);
  queue.wait_state(good, JobState::done);
  CHECK(count_lines(folder / "runs") == 1);
}

TEST_CASE("a job's own time-out ends it; one that the pool does not allow is cut") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000, {{"timeout_ms", "400"}, {"max_attempts", "1"}});
  RunnerProcess runner(shell(redis, "exec sleep 600"));
  queue::NewJob job;
  job.timeout = Millis{200};
  CHECK(queue.wait_state(enqueue(queue, job), JobState::dead)
            .result.find("Timeout: stopped after 200ms") != std::string::npos);
  job.timeout = Millis{3600000};
  CHECK(queue.wait_state(enqueue(queue, job), JobState::dead)
            .result.find("Timeout: stopped after 400ms") != std::string::npos);
}

TEST_CASE("a stalled job is stopped, counted as such, and retried") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(15000, {{"stall_ms", "2000"},
                          {"check_ms", "100"},
                          {"max_attempts", "2"},
                          {"backoff_initial_ms", "10"}});
  RunnerProcess runner(shell(redis, "test $WP_ATTEMPT = 2 || exec sleep 600"));
  const std::string id = queue.enqueue("");
  queue.wait_state(id, JobState::done);
  CHECK(queue->counts().stat.at("stalled") == 1);
  CHECK(queue->job(id).result.find("Stalled: no progress for 2s") != std::string::npos);
}
