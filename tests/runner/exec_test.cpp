// Real processes under the exec handler, without a queue.
#include "runner/handlers/exec.h"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <signal.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "runner/handlers/environment.h"
#include "runner/process/spawn.h"
#include "tests/runner/handler_harness.h"

using namespace wp;
using namespace wp::runner;

namespace {

// One handler loop with `sh -c script`.
class Exec : public test::HandlerHarness {
 public:
  explicit Exec(std::string script) : Exec({"/bin/sh", "-c", std::move(script)}, 0) {}
  Exec(std::vector<std::string> argv, int) {
    ExecSettings settings;
    settings.path = argv.front();
    settings.argv = std::move(argv);
    settings.base_env = inherited_environment();
    settings.base_env.push_back("HERE=" + folder());
    settings.queue = "q";
    settings.scratch_dir = folder();
    open([settings](EventLoop& loop, HandlerEvents& events) -> std::unique_ptr<Handler> {
      return std::make_unique<ExecHandler>(settings, loop, events);
    });
  }
};

bool gone(pid_t pid) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    if (!std::getline(stat, line)) return true;
    if (line.find(") Z") != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

}  // namespace

TEST_CASE("the payload is stdin, stdout is the result") {
  Exec exec("cat");
  const Ending ending = exec.run("{\"a\": [1, 2]}");
  CHECK(ending.verdict == Verdict::complete);
  CHECK(ending.text == "{\"a\": [1, 2]}");
}

TEST_CASE("a program that floods stdout before it reads a large payload does not deadlock") {
  Exec exec("head -c 900000 /dev/zero | tr '\\0' 'y'; wc -c >&2; exit 3");
  const Ending ending = exec.run(std::string(1024 * 1024, 'p'));
  CHECK(ending.verdict == Verdict::fail);
  CHECK(ending.text.ends_with("1048576"));
}

TEST_CASE("a payload that nobody reads is no error") {
  Exec exec("exec <&-; echo done");
  const Ending ending = exec.run(std::string(1024 * 1024, 'p'));
  CHECK(ending.verdict == Verdict::complete);
  CHECK(ending.text == "\"done\"");
}

TEST_CASE("more than a MiB on stdout ends the program and buries the job") {
  Exec exec("exec yes");
  const Ending ending = exec.run();
  CHECK(ending.verdict == Verdict::bury);
  CHECK(ending.text.find("ResultTooLarge") == 0);
}

TEST_CASE("progress comes from descriptor 3") {
  Exec exec("echo '{\"progress\": 40, \"message\": \"half\"}' >&3; cat");
  exec.start(1);
  const queue::Progress progress = exec.said.wait_progress();
  CHECK(progress.percent == 40);
  CHECK(progress.message == "half");
  CHECK(progress.id == "job");
  CHECK(exec.said.wait(1).verdict == Verdict::complete);
}

TEST_CASE("a handler begins with a clean slate: session, signals, descriptors, memory priority") {
  Exec exec(
      "ls /proc/self/fd | sort -n | tr '\\n' ' ' >&2; grep SigBlk /proc/self/status >&2; "
      "grep SigIgn /proc/self/status >&2; cut -d' ' -f6 /proc/$$/stat >&2; echo $$ >&2; "
      "cat /proc/self/oom_score_adj >&2; exit 1");
  const std::string said = exec.run().text;
  CAPTURE(said);
  CHECK(said.find("0 1 2 3 4 Sig") != std::string::npos);  // 4 is ls's own
  CHECK(said.find("SigBlk:\t0000000000000000") != std::string::npos);
  CHECK(said.find("SigIgn:\t0000000000000000") != std::string::npos);
  CHECK(said.ends_with("500"));
}

TEST_CASE("the scratch folder is there while the job runs and gone afterwards") {
  Exec exec("mkdir $WP_JOB_DIR/sub; touch $WP_JOB_DIR/sub/f; echo $WP_JOB_DIR");
  const std::string folder = nlohmann::json::parse(exec.run().text);
  CHECK(folder.starts_with(exec.folder()));
  exec.close_loop();
  CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("a program killed by somebody else crashed") {
  Exec exec("kill -SEGV $$");
  const Ending ending = exec.run();
  CHECK(ending.verdict == Verdict::crash);
  CHECK(ending.text.find("SIGSEGV") != std::string::npos);
}

TEST_CASE("a program that vanished is broken") {
  Exec exec({"/no/such/program"}, 0);
  const Ending ending = exec.run();
  CHECK(ending.verdict == Verdict::broken);
}

TEST_CASE("a time limit stops the program politely") {
  Exec exec(
      "trap 'echo bye > $HERE/bye; exit 0' TERM; echo up > $HERE/up; while :; do sleep 0.01; done");
  exec.start(1, "", Millis{2000});  // long enough to set its trap
  const Ending ending = exec.said.wait(1);
  CHECK(ending.verdict == Verdict::fail);
  CHECK(ending.text.find("Timeout: stopped after 2s") == 0);
  CHECK(exec.file("bye") == "bye");
}

TEST_CASE("what ignores SIGTERM is killed, with everything that it started") {
  // The grandchild leaves the session and, with its parent gone, the tree.
  Exec exec(
      "trap '' TERM; (setsid sh -c 'echo $$ > $HERE/far; exec sleep 600' &) ; "
      "sleep 600 & echo $! > $HERE/near.tmp; mv $HERE/near.tmp $HERE/near; wait; sleep 600");
  become_subreaper();
  exec.start(1);
  const pid_t near = std::stoi(exec.file("near"));
  std::string text;
  while ((text = exec.file("far")).empty()) {
  }
  const pid_t far = std::stoi(text);
  exec.loop().stop({1}, {StopCause::interrupted, Millis{100}, {}});
  const Ending ending = exec.said.wait(1);
  CHECK(ending.verdict == Verdict::interrupted);
  CHECK(gone(near));
  CHECK(gone(far));
}

TEST_CASE("a background process that holds the pipes does not hold the job") {
  Exec exec("sleep 600 & echo $! > $HERE/pid; echo out");
  const Ending ending = exec.run();
  CHECK(ending.text == "\"out\"");
  CHECK(gone(std::stoi(exec.file("pid"))));
}

TEST_CASE("when no lease is renewed in time, everything that runs is stopped") {
  Exec exec("echo up > $HERE/up; exec sleep 600");
  exec.loop().leases_hold_until(boot_now() + Millis{200}, Millis{0});
  exec.start(1);
  exec.start(2);
  CHECK(exec.said.wait(1).verdict == Verdict::interrupted);
  const Ending second = exec.said.wait(2);
  CHECK(second.verdict == Verdict::interrupted);
  CHECK(second.text == "partition");
}

TEST_CASE("many processes at once, each with its own result") {
  Exec exec("cat");
  for (std::int64_t i = 1; i <= 100; ++i) exec.start(i, std::to_string(i));
  for (std::int64_t i = 1; i <= 100; ++i) CHECK(exec.said.wait(i).text == std::to_string(i));
}

TEST_CASE(
    "the runner takes all descriptors that it may; a program gets what the runner was given") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 256;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  raise_descriptor_limit();
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  CHECK(now.rlim_cur == before.rlim_max);
  Exec exec("ulimit -Sn; ulimit -Hn");
  CHECK(exec.run().text == "\"256\\n" + std::to_string(before.rlim_max) + "\"");
}
