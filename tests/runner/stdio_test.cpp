// Real long-lived programs under the stdio handler, without a queue: what well-behaved ones may
// rely on. stdio_hostile_test.cpp has the others.
#include <doctest/doctest.h>
#include <filesystem>
#include <set>

#include <nlohmann/json.hpp>

#include "tests/runner/stdio_fixture.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::runner;
using nlohmann::json;
using test::Stdio;
using test::StdioChoice;

namespace {

bool has_slots(const Capacity& now) {
  return now.slots > 0;
}

}  // namespace

TEST_CASE("one process runs job after job") {
  Stdio stdio;
  CHECK(stdio.said.wait_capacity([](const Capacity&) { return true; }).slots == 1);
  std::set<std::string> pids;
  for (int i = 0; i < 20; ++i) {
    const Ending ending = stdio.job("return [job['epoch'], os.getpid()]");
    CHECK(ending.verdict == Verdict::complete);
    const json result = json::parse(ending.text);
    CHECK(result[0] == i + 1);
    pids.insert(result[1].dump());
  }
  CHECK(pids.size() == 1);
}

TEST_CASE("a shell script can be a worker") {
  Stdio stdio("while read -r line; do echo '{\"result\": \"ok\"}'; done");
  CHECK(stdio.job("").text == "\"ok\"");
  CHECK(stdio.job("x").text == "\"ok\"");
}

TEST_CASE("a process leads its session and knows nothing of one job alone") {
  setenv("WP_REDIS_PASSWORD", "hidden", 1);
  Stdio stdio;
  unsetenv("WP_REDIS_PASSWORD");
  const json env = json::parse(stdio
                                   .job("touch('sid', os.getsid(0)); touch('pid', os.getpid())\n"
                                        "return dict(os.environ)")
                                   .text);
  CHECK(stdio.file("sid") == stdio.file("pid"));
  CHECK(env.at("WP_QUEUE") == "q");
  CHECK(env.at("WP_HANDLER_PROCESS").get<std::string>().size() == 16);
  for (const auto& [name, value] : env.items()) {
    CHECK_FALSE(name.starts_with("WP_JOB_"));
    CHECK_FALSE(name.starts_with("WP_REDIS_"));
  }
}

TEST_CASE("each job has a folder of its own while it runs") {
  Stdio stdio;
  const std::string used =
      json::parse(stdio.job("open(job['dir'] + '/f', 'w').close(); return job['dir']").text);
  CHECK(used.starts_with(stdio.folder()));
  CHECK(test::eventually([&] { return !std::filesystem::exists(used); }));
  // An unused one may serve the next job; one that was not left as it was does not.
  for (const char* change :
       {"pass", "os.chmod(job['dir'], 0)", "os.rmdir(job['dir'])", "os.mkdir(job['dir'] + '/.sub')",
        "os.rmdir(job['dir']); os.symlink('/tmp', job['dir'])"}) {
    CAPTURE(change);
    const Ending ending = stdio.job(std::string("found = os.lstat(job['dir']).st_mode & 0o777\n"
                                                "left = os.listdir(job['dir'])\n") +
                                    change + "\nreturn [found, left]");
    CHECK(json::parse(ending.text) == json({0700, json::array()}));
  }
  stdio.close_loop();
  for (const auto& entry : std::filesystem::directory_iterator(stdio.folder())) {
    FAIL_CHECK("left behind: ", entry.path().string());
  }
}

TEST_CASE("as many jobs at once as there are processes, and no more") {
  Stdio stdio({.processes = 3});
  for (int i = 1; i <= 3; ++i) {
    stdio.begin("touch('up" + std::to_string(i) +
                "'); wait('up1'); wait('up2'); wait('up3')\n"
                "wait('go')\nreturn 1");
  }
  for (const char* up : {"up1", "up2", "up3"}) CHECK(stdio.file(up) == "x");
  const Ending fourth = stdio.job("return 4");
  CHECK(fourth.verdict == Verdict::unstarted);
  std::filesystem::create_directory(stdio.folder() + "/go");
  for (int i = 1; i <= 3; ++i) CHECK(stdio.said.wait(i).verdict == Verdict::complete);
}

TEST_CASE("answers: results, errors, later, never again") {
  Stdio stdio;
  CHECK(stdio.job("say(result={'a': 1}, session={'n': 2}); return 'said'").session_patch ==
        "{\"n\": 2}");
  const Ending failed = stdio.job("say(error='no luck'); return 'said'");
  CHECK(failed.verdict == Verdict::fail);
  CHECK(failed.text == "no luck");
  const Ending dead = stdio.job("say(error={'message': 'bad', 'retry': False}); return 'said'");
  CHECK(dead.verdict == Verdict::bury);
  const Ending later = stdio.job("say(defer='2s', message='busy'); return 'said'");
  CHECK(later.verdict == Verdict::defer);
  CHECK(later.delay == Millis{2000});
  const Ending large = stdio.job("return 'x' * 20000");
  CHECK(large.verdict == Verdict::bury);
  CHECK(large.text.starts_with("ResultTooLarge"));
  CHECK(stdio.said.wait_restarts(0).empty());
}

TEST_CASE("progress is passed on") {
  Stdio stdio;
  CHECK(stdio.job("say(progress=40, message='half'); return 1").verdict == Verdict::complete);
  const queue::Progress progress = stdio.said.wait_progress();
  CHECK(progress.id == "job");
  CHECK(progress.percent == 40);
  CHECK(progress.message == "half");
}

TEST_CASE("a payload larger than the pipe arrives whole") {
  Stdio stdio;
  const std::string payload = "return len(job['payload']) #" + std::string(1000000, 'p');
  CHECK(stdio.job(payload).text == std::to_string(payload.size()));
}

TEST_CASE("with `ready` a slot opens when its process says so") {
  Stdio stdio(
      {.argv = test::python_worker("touch('up'); wait('go'); say(ready=True)"), .ready = true});
  CHECK(stdio.file("up") == "x");
  CHECK(stdio.said.wait_capacity([](const Capacity&) { return true; }).slots == 0);
  CHECK(stdio.job("return 1").verdict == Verdict::unstarted);
  std::filesystem::create_directory(stdio.folder() + "/go");
  stdio.said.wait_capacity([](const Capacity& now) { return now.slots == 1; });
  CHECK(stdio.job("return 1").verdict == Verdict::complete);
}

TEST_CASE("where nobody waits for it, saying ready does no harm") {
  Stdio stdio({.argv = test::python_worker("say(ready=True)")});
  CHECK(stdio.job("return 1").verdict == Verdict::complete);
}

TEST_CASE("a process that is not ready in time is broken, and tried again") {
  Stdio stdio({.argv = test::python_worker("print('no database', file=sys.stderr)\n"
                                           "touch('up'); wait('go'); say(ready=True)"),
               .ready = true,
               .startup_timeout = Millis{3000}});
  CHECK(stdio.file("up") == "x");
  const Capacity broken =
      stdio.said.wait_capacity([](const Capacity& now) { return !now.broken.empty(); });
  CHECK(broken.slots == 0);
  CHECK(broken.broken.find("did not say {\"ready\": true} within 3s: no database") !=
        std::string::npos);
  CHECK(stdio.said.wait_restarts(1).front() == "start");
  std::filesystem::create_directory(stdio.folder() + "/go");
  stdio.said.wait_capacity([](const Capacity& now) { return now.slots == 1; });
  CHECK(stdio.job("return 1").verdict == Verdict::complete);
  stdio.said.wait_capacity([](const Capacity& now) { return now.broken.empty(); });
}

TEST_CASE("a process is replaced after so many jobs, when its predecessor is gone") {
  Stdio stdio({.argv = test::python_worker("pass", "touch('left%d' % os.getpid())")});
  stdio.loop().limit({.max_jobs = 3});
  std::vector<std::string> pids;
  while (pids.size() < 7) {
    stdio.said.wait_capacity(has_slots);
    const Ending ending = stdio.job("return os.getpid()");
    CHECK(ending.verdict == Verdict::complete);
    pids.push_back(ending.text);
  }
  CHECK(pids[0] == pids[2]);
  CHECK(pids[2] != pids[3]);
  CHECK(pids[3] == pids[5]);
  CHECK(pids[5] != pids[6]);
  CHECK(stdio.said.wait_restarts(2) == std::vector<std::string>{"jobs", "jobs"});
  CHECK(stdio.file("left" + pids[0]) == "x");
  CHECK(stdio.file("left" + pids[3]) == "x");
}

TEST_CASE("a process that outgrew its memory is replaced after its job, or with it") {
  Stdio stdio;
  stdio.loop().limit({.max_memory = 100 << 20});
  stdio.job("return 0");
  const std::string first = stdio
                                .job(
                                    "global kept; kept = bytearray(b'x') * (110 << 20)\n"
                                    "time.sleep(1.5); return os.getpid()")
                                .text;
  CHECK(stdio.said.wait_restarts(1) == std::vector<std::string>{"memory"});
  stdio.said.wait_capacity([](const Capacity& now) { return now.slots == 1; });
  CHECK(stdio.job("return os.getpid()").text != first);
  const Ending eaten = stdio.job("kept = bytearray(b'x') * (160 << 20); time.sleep(600)");
  CHECK(eaten.verdict == Verdict::fail);
  CHECK(eaten.text.starts_with("MemoryLimit"));
  CHECK(stdio.said.wait_restarts(2).back() == "memory");
}

namespace {

bool close_in_time(Stdio& stdio, Millis grace) {
  const Millis began = boot_now();
  stdio.loop().close(grace);
  return boot_now() - began < 2 * grace;
}

}  // namespace

TEST_CASE("when the runner leaves, the end of stdin comes first") {
  Stdio stdio({.argv = test::python_worker(
                   "signal.signal(signal.SIGTERM, lambda *_: touch('term'))", "touch('polite')"),
               .processes = 2});
  CHECK(stdio.job("return 1").verdict == Verdict::complete);
  CHECK(close_in_time(stdio, Millis{20000}));
  CHECK(stdio.file("polite") == "x");
  CHECK_FALSE(std::filesystem::exists(stdio.folder() + "/term"));
}

TEST_CASE("then SIGTERM, then force") {
  Stdio stdio(
      "trap 'echo x > $HERE/term' TERM; echo $$ > $HERE/pid; "
      "while :; do sleep 0.01; done");
  const pid_t pid = std::stoi(stdio.file("pid"));
  CHECK(close_in_time(stdio, Millis{3000}));
  CHECK(stdio.file("term") == "x");
  CHECK(test::process_ends(pid));
}

TEST_CASE("a thousand jobs with a new process every ten leave nothing behind") {
  const auto descriptors = [] {
    const auto all = std::filesystem::directory_iterator("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  Stdio stdio(
      {.argv = {"/bin/sh", "-c", "while read -r line; do echo \"{\\\"result\\\": $$}\"; done"},
       .processes = 2});
  stdio.loop().limit({.max_jobs = 10});
  CHECK(stdio.job("").verdict == Verdict::complete);
  const auto before = descriptors();
  std::set<std::string> pids;
  for (int done = 1; done < 1000; ++done) {
    stdio.said.wait_capacity(has_slots);
    const Ending ending = stdio.job("");
    CHECK(ending.verdict == Verdict::complete);
    pids.insert(ending.text);
  }
  CHECK(pids.size() >= 100);
  CHECK(pids.size() <= 101);
  CHECK(test::eventually([&] { return descriptors() <= before; }));
  stdio.loop().close(Millis{5000});
  // A process is collected right after its end was told: its thread has to come to that.
  stdio.close_loop();
  for (const std::string& pid : pids) {
    CHECK_FALSE(std::filesystem::exists("/proc/" + pid));  // not even as zombies
  }
  for (const auto& entry : std::filesystem::directory_iterator(stdio.folder())) {
    FAIL_CHECK("left behind: ", entry.path().string());
  }
}
