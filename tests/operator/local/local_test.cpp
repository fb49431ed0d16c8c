// workerpool-operator local as a user runs it: the real operator, its workers and its Redis.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "queue/queue.h"
#include "tests/support/process.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

using namespace wp;
using test::eventually;

namespace {

constexpr Millis kPatience{60000};

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A folder with a pool file, and a runtime folder for it alone.
struct Place {
  std::string path = std::filesystem::temp_directory_path() / "wp-local.XXXXXX";
  Place() {
    REQUIRE(mkdtemp(path.data()) != nullptr);
    std::filesystem::create_directory(path + "/run");
  }
  ~Place() { std::filesystem::remove_all(path); }

  void pool(const std::string& command, const std::string& more = "") const {
    std::ofstream(path + "/pool.yaml")
        << "apiVersion: workerpool.dev/v1alpha1\nkind: WorkerPool\nmetadata: {name: tiny}\nspec:\n"
        << "  workers: {drainTimeout: 30s, handler: {exec: {command: " << command << "}}}\n"
        << "  scaling: {maxReplicas: 2, policy: SlotPerJob, scaleDownWindow: 1s, "
        << "scaleToZeroAfter: 1s}\n"
        << more;
  }
  std::unique_ptr<test::Process> start(std::vector<std::string> more = {},
                                       std::map<std::string, std::string> environment = {}) const {
    std::vector<std::string> words = {test::program("workerpool-operator"),
                                      "local",
                                      "-f",
                                      path + "/pool.yaml",
                                      "--results",
                                      path + "/results.jsonl",
                                      "--report",
                                      path + "/report.json"};
    words.insert(words.end(), more.begin(), more.end());
    environment.insert({"XDG_RUNTIME_DIR", path + "/run"});
    environment.insert({"LANG", "C"});
    std::filesystem::remove(path + "/output");
    return std::make_unique<test::Process>(words, path + "/output", environment);
  }
  std::string url_file() const { return path + "/run/workerpool/tiny.url"; }
  std::string url() const {
    REQUIRE(eventually([&] { return std::filesystem::exists(url_file()); }, kPatience));
    std::string line;
    std::ifstream in(url_file());
    std::getline(in, line);
    return line;
  }
  // Of a handler that says so: a job that is claimed but not started goes back at a stop.
  bool job_started() const {
    return eventually([&] { return std::filesystem::exists(path + "/started"); }, kPatience);
  }
  nlohmann::json report() const { return nlohmann::json::parse(read_file(path + "/report.json")); }
  std::vector<nlohmann::json> results() const {
    std::vector<nlohmann::json> lines;
    std::ifstream in(path + "/results.jsonl");
    for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
};

// The queue from outside.
struct Client {
  redis::Connection connection;
  queue::Queue queue{connection, "default/tiny"};
  explicit Client(const std::string& url) : connection(redis::parse_endpoint(url)) {
    connection.connect();
  }
  void enqueue(const std::vector<std::string>& payloads) {
    std::vector<queue::NewJob> jobs;
    for (const std::string& payload : payloads) {
      queue::NewJob job;
      job.payload = payload;
      jobs.push_back(job);
    }
    (void)queue.enqueue(jobs, true);
  }
  queue::Counts counts() { return queue.counts({.worker_info = true}); }
};

bool is_one_line(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') == 1 && text.ends_with('\n');
}

}  // namespace

TEST_CASE_FIXTURE(Place, "until empty: every job runs, it ends by itself, and the books balance") {
  pool("[cat]");
  const auto operator_process = start({"--until-empty"});
  {
    Client client(url());
    std::vector<std::string> payloads;
    for (int i = 0; i < 20; ++i) payloads.push_back("{\"n\": " + std::to_string(i) + "}");
    client.enqueue(payloads);
  }
  const auto exit = operator_process->wait();
  INFO(operator_process->output());
  CHECK(exit == 0);
  const nlohmann::json books = report();
  CHECK(books.at("completed") == 20);
  CHECK(books.at("failedAttempts") == 0);
  CHECK(books.at("dead") == 0);
  CHECK(books.at("left") == 0);
  CHECK(books.at("peakWorkers") == 2);
  CHECK(books.at("sizes").front() == 0);
  CHECK(books.at("sizes").back() == 0);
  CHECK(books.at("scaleOperations") >= 2);
  CHECK(books.at("unexpectedEnds") == 0);
  CHECK(books.at("violations").empty());
  std::int64_t executed = 0;
  for (const auto& [worker, count] : books.at("executions").items()) executed += count.get<int>();
  CHECK(executed == 20);
  std::set<int> seen;
  for (const nlohmann::json& line : results()) {
    CHECK(line.at("state") == "done");
    CHECK(line.contains("duration_ms"));
    seen.insert(line.at("result").at("n").get<int>());
  }
  CHECK(seen.size() == 20);
  CHECK(operator_process->output().find("20 jobs completed, 0 failed attempts, 0 dead") !=
        std::string::npos);
  CHECK_FALSE(std::filesystem::exists(url_file()));
  CHECK_FALSE(std::filesystem::exists(path + "/run/workerpool/tiny/redis.sock"));
}

TEST_CASE_FIXTURE(Place, "limits over all workers hold, and payloads are kept when asked for") {
  const test::RedisServer redis;
  // Exits with 1 when another one runs at the same moment.
  pool(R"([sh, -c, "mkdir busy || exit 1; cat; rmdir busy"])",
       "  jobs: {maxActive: 1, rate: {jobs: 2, per: 1s}, retention: {payloads: true}}\n"
       "  replicas: 2\n");  // the policy would start one: a second slot has nothing to run
  Client client(redis.url());
  client.enqueue({"a", "b", "c", "d", "e", "f"});
  const auto operator_process = start({"--until-empty", "--redis", redis.url()});
  const auto exit = operator_process->wait();
  INFO(operator_process->output());
  CHECK(exit == 0);
  CHECK(report().at("completed") == 6);
  CHECK(report().at("failedAttempts") == 0);
  CHECK(report().at("peakWorkers") == 2);
  // Two at once, the other four at two a second, and the last of them starts the end.
  CHECK(report().at("durationMs") >= 1900);
  std::multiset<std::string> payloads;
  for (const auto& [id, finished] : client.queue.list(queue::JobState::done, 0, 10).jobs) {
    payloads.insert(client.queue.job(id).payload);
  }
  CHECK(payloads == std::multiset<std::string>{"a", "b", "c", "d", "e", "f"});
}

TEST_CASE_FIXTURE(Place, "the handler runs beside the pool's file, whatever our folder is") {
  std::ofstream(path + "/job.sh") << "pwd";
  pool("[sh, job.sh]");
  const auto operator_process = start({"--until-empty"});
  Client(url()).enqueue({"x"});
  CHECK(operator_process->wait() == 0);
  REQUIRE(results().size() == 1);
  CHECK(results()[0].at("result") == std::filesystem::canonical(path).string());
}

TEST_CASE_FIXTURE(Place, "until empty: a dead job is exit status 1, and said") {
  pool("[sh, -c, 'echo broken >&2; exit 65']");
  const auto operator_process = start({"--until-empty"});
  Client(url()).enqueue({"x"});
  CHECK(operator_process->wait() == 1);
  INFO(operator_process->output());
  CHECK(report().at("dead") == 1);
  REQUIRE(results().size() == 1);
  CHECK(results()[0].at("state") == "dead");
  CHECK(results()[0].at("error").get<std::string>().find("broken") != std::string::npos);
}

TEST_CASE_FIXTURE(Place, "SIGINT while a job runs: the job completes, then everything ends") {
  pool("[sh, -c, 'touch started; sleep 2; echo done']");
  const auto operator_process = start();
  Client(url()).enqueue({"x"});
  REQUIRE(job_started());
  operator_process->signal(SIGINT);
  CHECK(operator_process->wait() == 0);
  INFO(operator_process->output());
  REQUIRE(results().size() == 1);
  CHECK(results()[0].at("result") == "done");
  CHECK(report().at("completed") == 1);
  CHECK(report().at("unexpectedEnds") == 0);
}

TEST_CASE_FIXTURE(Place, "workerpoolctl explains a local pool while it runs, and not after") {
  pool("[sh, -c, 'touch started; while ! test -e go; do sleep 0.05; done']");
  const auto operator_process = start();
  Client(url()).enqueue({"a", "b", "c", "d", "e"});
  const std::string file = path + "/run/workerpool/tiny.status.json";
  const auto explain = [&] {
    std::filesystem::remove(path + "/explained");
    test::Process ctl({test::program("workerpoolctl"), "pools", "explain"}, path + "/explained",
                      {{"XDG_RUNTIME_DIR", path + "/run"},
                       {"HOME", path},
                       {"KUBECONFIG", ""},
                       {"KUBERNETES_SERVICE_HOST", ""}});
    (void)ctl.wait();
    return ctl.output();
  };
  REQUIRE(eventually(
      [&] { return explain().find("2 there, 2 ready: 2 busy, 0 idle") != std::string::npos; },
      kPatience));
  const std::string text = explain();
  INFO(text);
  CHECK(text.starts_with("default/tiny: 2 workers wanted, 2 ready, Healthy\n"));
  CHECK(text.find("2 workers for ") != std::string::npos);
  CHECK(text.find("AtMax, the jobs want more than maxReplicas") != std::string::npos);
  CHECK(text.find("spec.scaling.maxReplicas = 2") != std::string::npos);
  CHECK(text.find("3 waiting") != std::string::npos);
  CHECK(text.find(std::to_string(operator_process->pid())) != std::string::npos);
  std::ofstream(path + "/go") << "";
  operator_process->signal(SIGTERM);
  CHECK(operator_process->wait() == 0);
  CHECK_FALSE(std::filesystem::exists(file));
  CHECK(explain().find("no pool of local mode runs here") != std::string::npos);
}

TEST_CASE_FIXTURE(Place, "a second SIGINT: the running job is given back at once") {
  const test::RedisServer redis;
  pool("[sh, -c, 'touch started; exec sleep 600']");
  const auto operator_process = start({"--redis", redis.url()});
  Client client(url());
  client.enqueue({"x"});
  REQUIRE(job_started());
  operator_process->signal(SIGINT);
  REQUIRE(
      eventually([&] { return operator_process->output().find("stopping:") != std::string::npos; },
                 kPatience));
  operator_process->signal(SIGINT);
  CHECK(operator_process->wait() == 0);
  INFO(operator_process->output());
  CHECK(client.counts().waiting == 1);
  CHECK(report().at("left") == 1);
  CHECK(client.queue.check().empty());
}

TEST_CASE_FIXTURE(Place,
                  "a Redis that stays: the next run finds the queue, and nobody is in its way") {
  const test::RedisServer redis;
  pool("[cat]");
  Client client(redis.url());
  for (int run = 1; run <= 2; ++run) {
    client.enqueue({"x", "y"});  // before it starts
    const auto operator_process = start({"--until-empty", "--redis", redis.url()});
    const auto exit = operator_process->wait();
    INFO(operator_process->output());
    CHECK(exit == 0);
    CHECK(report().at("completed") == 2);
    CHECK(results().size() == 2);
    CHECK(client.queue.read_config().owner == "standalone");
  }
  (void)client.queue.write_config({}, "hash", "someone-else", 1);
  const auto refused = start({"--redis", redis.url()});
  CHECK(refused->wait() == 2);
  CHECK(is_one_line(refused->output()));
  CHECK(refused->output().find("belongs to another pool (someone-else)") != std::string::npos);
}

TEST_CASE_FIXTURE(Place, "two of the same pool at once: the second says so and ends") {
  pool("[cat]");
  const auto first = start();
  (void)url();
  const auto second = std::make_unique<test::Process>(
      std::vector<std::string>{test::program("workerpool-operator"), "local", "-f",
                               path + "/pool.yaml"},
      path + "/second", std::map<std::string, std::string>{{"XDG_RUNTIME_DIR", path + "/run"}});
  CHECK(second->wait() == 2);
  CHECK(is_one_line(second->output()));
  CHECK(second->output().find("runs on this machine already") != std::string::npos);
  CHECK(std::filesystem::exists(url_file()));
  first->signal(SIGTERM);
  CHECK(first->wait() == 0);
}

TEST_CASE_FIXTURE(Place, "what the user got wrong is one line and exit status 2") {
  const auto refuse = [&](std::vector<std::string> more,
                          std::map<std::string, std::string> environment, const char* words) {
    const auto refused = start(std::move(more), std::move(environment));
    CHECK(refused->wait() == 2);
    INFO(refused->output());
    CHECK(is_one_line(refused->output()));
    CHECK(refused->output().find(words) != std::string::npos);
  };
  pool("[cat]", "  scalling: {}\n");
  refuse({}, {}, "pool.yaml: spec.scalling");
  pool("[no-such-program]");
  refuse({}, {}, "\"no-such-program\", which is no executable file in PATH");
  pool("[/bin/cat]");
  refuse({}, {{"PATH", "/no/such/folder"}},
         "redis-server is not installed: `apt-get install redis-server`");
  refuse({"--runner", "/no/such/runner"}, {}, "runner: \"/no/such/runner\" is no executable file");
  std::filesystem::remove(path + "/pool.yaml");
  refuse({}, {}, "No such file or directory");
}

TEST_CASE_FIXTURE(Place, "a worker that is killed starts again, and its job with it") {
  const test::RedisServer redis;
  pool("[sh, -c, 'while ! test -e " + path + "/go; do sleep 0.05; done; echo ok']");
  const auto operator_process = start({"--until-empty", "--redis", redis.url()});
  Client client(url());
  client.enqueue({"x"});
  std::string info;
  REQUIRE(eventually(
      [&] {
        for (const queue::WorkerCounts& worker : client.counts().workers) {
          if (worker.held == 1) info = worker.info;
        }
        return !info.empty();
      },
      kPatience));
  kill(nlohmann::json::parse(info).at("pid").get<pid_t>(), SIGKILL);
  REQUIRE(eventually(
      [&] { return operator_process->output().find("it starts again") != std::string::npos; },
      kPatience));
  std::ofstream(path + "/go") << "";
  const auto exit = operator_process->wait();
  INFO(operator_process->output());
  CHECK(exit == 0);
  CHECK(report().at("completed") == 1);
  CHECK(report().at("unexpectedEnds") == 1);
  CHECK(operator_process->output().find("ended with signal 9 (Killed)") != std::string::npos);
}

TEST_CASE_FIXTURE(Place, "the operator is killed: its workers leave, and no job is lost") {
  const test::RedisServer redis;
  pool("[sh, -c, 'touch started; sleep 1; echo ok']");
  const auto operator_process = start({"--redis", redis.url()});
  Client client(url());
  client.enqueue({"x"});
  REQUIRE(job_started());
  operator_process->signal(SIGKILL);
  CHECK(operator_process->wait() == 1000 + SIGKILL);
  CHECK(eventually([&] { return client.counts().workers.empty(); }, kPatience));
  // Done, or given back: the kernel may send the signal once per thread of the operator, and a
  // second one hurries a worker.
  const queue::Counts counts = client.counts();
  CHECK(counts.done + counts.waiting == 1);
  CHECK(counts.active == 0);
  CHECK(client.queue.check().empty());
}
