// The stdio handler with a queue behind it: the real program, and a worker in Python.
#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <map>
#include <set>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/runner/python_worker.h"
#include "tests/runner/runner_process.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;
using queue::JobState;

namespace {

RunnerSetup stdio(const RedisServer& redis, const Folder& folder,
                  const std::vector<std::string>& flags = {},
                  const std::vector<std::string>& command = python_worker()) {
  RunnerSetup setup{redis.url(), "q", flags, {{"HERE", folder.path()}}};
  setup.arguments.insert(setup.arguments.end(),
                         {"--handler", "stdio", "--scratch-dir", folder.path(), "--"});
  setup.arguments.insert(setup.arguments.end(), command.begin(), command.end());
  return setup;
}

json result(QueueClient& queue, const std::string& id) {
  return json::parse(queue.wait_state(id, JobState::done).result).at("result");
}

std::string enqueue(QueueClient& queue, queue::NewJob job) {
  std::vector<queue::NewJob> jobs{std::move(job)};
  return queue->enqueue(jobs, true).at(0).id;
}

json document(QueueClient& queue, const std::string& session) {
  const redis::Reply packed =
      queue.connection().execute({"HGET", queue::key_name("q", "sess"), session});
  REQUIRE_FALSE(packed.is_nil());
  return json::parse(json::from_msgpack(packed.text()).at(1).get<std::string>());
}

bool gone(pid_t pid) {
  return eventually([pid] { return kill(pid, 0) != 0; });
}

pid_t pid_in(const Folder& folder, const std::string& name) {
  REQUIRE(eventually([&] { return std::filesystem::exists(folder / name); }));
  return std::stoi(read_file(folder / name));
}

}  // namespace

TEST_CASE("stdio: a job's line, its answer, and a folder that goes with it") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000, {{"timeout_ms", "60000"}, {"max_attempts", "7"}});
  Folder folder;
  RunnerProcess runner(stdio(redis, folder));
  const std::string id = queue.enqueue("return job", "mail");
  const json job = result(queue, id);
  CHECK(job["id"] == id);
  CHECK(job["type"] == "mail");
  CHECK(job["attempt"] == 1);
  CHECK(job["maxAttempts"] == 7);
  CHECK(job["queue"] == "q");
  CHECK(job["payload"] == "return job");
  CHECK(job["deadline"].get<std::string>().ends_with("Z"));
  CHECK(job["dir"].get<std::string>().starts_with(folder / "wp-job-"));
  runner.signal(SIGTERM);
  CHECK(runner.wait() == 0);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK(queue->check().empty());
}

TEST_CASE("stdio: nothing is claimed before a process is ready; then as many as there are") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000);
  Folder folder;
  RunnerProcess runner(stdio(redis, folder, {"--concurrency", "3", "--stdio-ready"},
                             python_worker("wait('ready'); say(ready=True)")));
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    const std::string n = std::to_string(i);
    ids.push_back(queue.enqueue("touch('up" + n +
                                "'); wait('up0'); wait('up1'); wait('up2')\n"
                                "return os.getpid()"));
  }
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  CHECK(queue->counts().waiting == 3);
  write_file(folder / "ready", "");
  std::set<json> pids;
  for (const std::string& id : ids) pids.insert(result(queue, id));
  CHECK(pids.size() == 3);
}

TEST_CASE("stdio: a new process after so many jobs") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000, {{"max_jobs_per_worker", "2"}});
  Folder folder;
  RunnerProcess runner(stdio(redis, folder));
  std::map<json, int> jobs;
  for (int i = 0; i < 6; ++i) ++jobs[result(queue, queue.enqueue("return os.getpid()"))];
  CHECK(jobs.size() == 3);
  for (const auto& [pid, count] : jobs) CHECK(count == 2);
  CHECK(queue->counts().stat.at("completed") == 6);
  CHECK(queue->check().empty());
}

TEST_CASE("stdio: a crash, an exit, a protocol error, never again: each counts for its own job") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000, {{"max_attempts", "1"}, {"max_crashes", "0"}});
  Folder folder;
  RunnerProcess runner(stdio(redis, folder, {"--concurrency", "2"}));
  const std::string other = queue.enqueue("wait('go'); return os.getpid()");
  const auto crashed =
      queue.wait_state(queue.enqueue("os.kill(os.getpid(), signal.SIGKILL)"), JobState::dead);
  CHECK(crashed.crashes == 1);
  const auto left = queue.wait_state(queue.enqueue("sys.exit('no disk')"), JobState::dead);
  CHECK(left.failures == 1);
  CHECK(left.result.find("exit code 1 before it answered: no disk") != std::string::npos);
  const auto noisy = queue.wait_state(queue.enqueue("print('Hello'); return 1"), JobState::dead);
  CHECK(noisy.result.find("Protocol: a line on stdout is no JSON object") != std::string::npos);
  const auto bad = queue.wait_state(
      queue.enqueue("say(error={'message': 'no use', 'retry': False}); return 'said'"),
      JobState::dead);
  CHECK(bad.result.find("no use") != std::string::npos);
  write_file(folder / "go", "");
  CHECK(result(queue, other).is_number());
  CHECK(queue->check().empty());
}

TEST_CASE("stdio: later, and again after a failure") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000, {{"backoff_initial_ms", "20"}});
  Folder folder;
  RunnerProcess runner(stdio(redis, folder));
  const std::string later = queue.enqueue(
      "if os.path.exists(os.environ['HERE'] + '/now'): return 'now'\n"
      "say(defer='20ms', message='busy'); return 'said'");
  const std::string twice =
      queue.enqueue("if job['attempt'] == 2: return 'ok'\nsay(error='not yet'); return 'said'");
  CHECK(queue.wait_state(twice, JobState::done).failures == 1);
  CHECK(eventually([&] { return queue->job(later).deferrals >= 2; }));
  CHECK(queue->job(later).failures == 0);
  write_file(folder / "now", "");
  CHECK(result(queue, later) == "now");
}

TEST_CASE("stdio: a time limit and a cancel end a job, and the next one runs in a new process") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(4000, {{"timeout_ms", "700"}, {"max_attempts", "1"}});
  Folder folder;
  RunnerProcess runner(stdio(redis, folder));
  const auto slow = queue.wait_state(queue.enqueue("time.sleep(600)"), JobState::dead);
  CHECK(slow.result.find("Timeout: stopped after 700ms") != std::string::npos);
  queue.configure(4000, {{"max_attempts", "1"}});
  const std::string id = queue.enqueue("touch('pid', os.getpid()); time.sleep(600)");
  const pid_t pid = pid_in(folder, "pid");
  queue->cancel({id});
  CHECK(queue.wait_state(id, JobState::dead).result.find("cancelled") != std::string::npos);
  CHECK(result(queue, queue.enqueue("return os.getpid()")) != pid);
  CHECK(gone(pid));
}

TEST_CASE("stdio: progress can be seen while the job runs") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(4000);
  Folder folder;
  RunnerProcess runner(stdio(redis, folder));
  const std::string id = queue.enqueue("say(progress=40, message='halfway'); wait('go'); return 1");
  CHECK(eventually([&] { return queue->job(id).result.find("halfway") != std::string::npos; }));
  write_file(folder / "go", "");
  queue.wait_state(id, JobState::done);
}

TEST_CASE("stdio: two workers change one session at once, and a chain hands on its results") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000);
  Folder folder;
  RunnerProcess first(stdio(redis, folder));
  RunnerProcess second(stdio(redis, folder));
  // Both have read the document before either writes it.
  const auto job = [](const std::string& me, const std::string& other) {
    queue::NewJob made;
    made.id = me;
    made.session = "shared";
    made.payload = "touch('" + me + "'); wait('" + other + "')\nbefore = job['session']\n" +
                   "say(result=before, session={'" + me + "': job['epoch']}); return 'said'";
    made.chain = {
        {me + "-next", "default", "return [job['previous'], sorted(job['session']['document'])]"}};
    return made;
  };
  enqueue(queue, job("one", "two"));
  enqueue(queue, job("two", "one"));
  const json nothing = {{"name", "shared"}, {"document", json::object()}};
  for (const std::string me : {"one", "two"}) {
    CHECK(result(queue, me) == nothing);
    const json next = result(queue, me + "-next");
    CHECK(next[0] == nothing);
    CHECK(std::find(next[1].begin(), next[1].end(), me) != next[1].end());
  }
  CHECK(document(queue, "shared").size() == 2);
  CHECK(queue->check().empty());
}

TEST_CASE("stdio: a wrong deploy buries nothing, and the right one finds its jobs") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000);
  Folder folder;
  RunnerProcess runner(stdio(redis, folder, {"--concurrency", "2"},
                             python_worker("if not os.path.exists(os.environ['"
                                           "HERE'] + '/right'): import absent")));
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(queue.enqueue("return 1"));
  REQUIRE(runner.logged("No module named 'absent'"));
  CHECK(runner.logged("the handler cannot run"));
  write_file(folder / "right", "");
  for (const std::string& id : ids) {
    const auto view = queue.wait_state(id, JobState::done);
    CHECK(view.failures == 0);
    CHECK(view.crashes == 0);
    CHECK(view.losses == 0);
  }
  CHECK(queue->check().empty());
}

TEST_CASE("stdio: SIGTERM lets jobs end, and processes leave by themselves") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(40000);
  Folder folder;
  RunnerProcess runner(
      stdio(redis, folder, {"--concurrency", "2"},
            python_worker("signal.signal(signal.SIGTERM, lambda *_: touch('term'))",
                          "touch('left%d' % os.getpid())")));
  const std::string id = queue.enqueue("touch('pid', os.getpid()); wait('go'); return 'done'");
  const pid_t pid = pid_in(folder, "pid");
  runner.signal(SIGTERM);
  REQUIRE(runner.logged("stopping"));
  const std::string waiting = queue.enqueue("return 1");
  write_file(folder / "go", "");
  CHECK(runner.wait() == 0);
  CHECK(result(queue, id) == "done");
  CHECK(queue->job(waiting).state == JobState::ready);
  CHECK(std::filesystem::exists(folder / ("left" + std::to_string(pid))));
  CHECK_FALSE(std::filesystem::exists(folder / "term"));
  CHECK(queue->check().empty());
}

TEST_CASE("stdio: a runner that is killed takes its processes along, and its job runs again") {
  RedisServer redis;
  QueueClient queue(redis);
  queue.configure(4000);
  Folder folder;
  auto runner = std::make_unique<RunnerProcess>(stdio(redis, folder, {"--worker-id", "same"}));
  const std::string id = queue.enqueue(
      "again = os.path.exists(os.environ['HERE'] + '/pid')\n"
      "if not again: touch('pid', os.getpid()); time.sleep(600)\nreturn job['attempt']");
  const pid_t pid = pid_in(folder, "pid");
  runner->signal(SIGKILL);
  CHECK(runner->wait() == 1000 + SIGKILL);
  CHECK(gone(pid));
  RunnerProcess next(stdio(redis, folder, {"--worker-id", "same"}));
  CHECK(result(queue, id).is_number());
  CHECK(queue->check().empty());
}
