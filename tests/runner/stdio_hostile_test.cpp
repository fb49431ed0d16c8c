// Programs under the stdio handler that break the rules: each costs its own job at most, says what
// was wrong, and is replaced.
#include <csignal>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>

#include "runner/process/reaper.h"
#include "tests/runner/stdio_fixture.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::runner;
using test::Stdio;
using test::StdioChoice;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

int lines(const std::string& path) {
  std::ifstream file(path);
  int count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

// The handler took no harm: the next job is done, by another process.
void check_replaced(Stdio& stdio, const std::string& reason) {
  CHECK(stdio.said.wait_restarts(1).front() == reason);
  stdio.said.wait_capacity([](const Capacity& now) { return now.slots == 1; });
  CHECK(stdio.job("return 'fine'").text == "\"fine\"");
  CHECK(stdio.said.wait_restarts(1).size() == 1);
}

// Begins a job that its process, the only one, does not read yet. Known to be with it when there is
// none left for a second one.
std::int64_t begin_unread(Stdio& stdio, const std::string& payload) {
  const std::int64_t epoch = stdio.begin(payload);
  CHECK(stdio.job("").verdict == Verdict::unstarted);
  return epoch;
}

}  // namespace

TEST_CASE("a crash is the end of one job only, and says what was heard last") {
  Stdio stdio({.processes = 2});
  stdio.begin("wait('go'); return 'lives'");
  const Ending ending = stdio.job(
      "print('about to die', file=sys.stderr, flush=True)\n"
      "raw(b'{\"res'); os.kill(os.getpid(), signal.SIGSEGV)");
  CHECK(ending.verdict == Verdict::crash);
  CHECK(ending.text ==
        "killed by SIGSEGV before it answered (stdout ends in the middle of a line, \"{\"res\"): "
        "about to die");
  CHECK(stdio.said.wait_restarts(1).front() == "crash");
  CHECK(stdio.job("return 1").verdict == Verdict::complete);
  std::filesystem::create_directory(stdio.folder() + "/go");
  CHECK(stdio.said.wait(1).text == "\"lives\"");
}

TEST_CASE("an exit instead of an answer is a failure with the end of stderr") {
  Stdio stdio;
  stdio.job("print('of the job before', file=sys.stderr); return 1");
  const Ending ending = stdio.job("print('no disk', file=sys.stderr); sys.exit(3)");
  CHECK(ending.verdict == Verdict::fail);
  CHECK(ending.text == "exit code 3 before it answered: no disk");
  check_replaced(stdio, "exit");
}

TEST_CASE("an answer and then the end is an answer") {
  Stdio stdio;
  CHECK(stdio.job("say(result=7); os._exit(1)").text == "7");
  check_replaced(stdio, "exit");
}

TEST_CASE("a program that prints something else while it works") {
  Stdio stdio;
  const Ending ending = stdio.job("raw(b'Downloading 40%\\n'); time.sleep(600)");
  CHECK(ending.verdict == Verdict::fail);
  CHECK(has(ending.text, "is no JSON object: \"Downloading 40%\""));
  CHECK(has(ending.text, "stderr"));
  check_replaced(stdio, "protocol");
}

TEST_CASE("binary noise is quoted so that it can be read") {
  Stdio stdio;
  const Ending ending = stdio.job("raw(b'\\x00\\xff\\x1b[2J\\n')");
  CHECK(ending.verdict == Verdict::fail);
  CHECK(has(ending.text, "\"\\x00\\xff\\x1b[2J\""));
  check_replaced(stdio, "protocol");
}

TEST_CASE("noise before the first job is the handler's fault, not the job's") {
  Stdio stdio("echo Loading...; echo up > $HERE/up; sleep 600");
  const Capacity broken =
      stdio.said.wait_capacity([](const Capacity& now) { return !now.broken.empty(); });
  CHECK(has(broken.broken, "\"Loading...\""));
  CHECK(stdio.said.wait_restarts(1).front() == "protocol");
}

TEST_CASE("a job that was sent before the noise came goes back uncounted") {
  Stdio stdio("while [ ! -e $HERE/go ]; do sleep 0.01; done; echo Loading...; sleep 600");
  begin_unread(stdio, "");
  std::filesystem::create_directory(stdio.folder() + "/go");
  const Ending ending = stdio.said.wait(1);
  CHECK(ending.verdict == Verdict::broken);
  CHECK(has(ending.text, "\"Loading...\""));
}

TEST_CASE("an answer to no question is not taken for the next one's") {
  Stdio stdio(
      "while [ ! -e $HERE/go ]; do sleep 0.01; done; echo '{\"result\": \"early\"}'; "
      "sleep 600");
  begin_unread(stdio, "");
  std::filesystem::create_directory(stdio.folder() + "/go");
  const Ending ending = stdio.said.wait(1);
  CHECK(ending.verdict == Verdict::broken);
  CHECK(has(ending.text, "came before it had read its job"));
}

TEST_CASE("two answers: the second costs the process, no job") {
  Stdio stdio;
  CHECK(stdio.job("say(result='first'); say(result='second'); return 'said'").text == "\"first\"");
  check_replaced(stdio, "protocol");
}

TEST_CASE("a second answer that comes late is not the next job's") {
  Stdio stdio;
  // The child of the first job answers for it once more while the second one runs.
  CHECK(stdio
            .job("if os.fork() == 0:\n  wait('busy'); say(result='late'); os._exit(0)\n"
                 "return 'first'")
            .text == "\"first\"");
  runner::Task task;
  task.job.id = "second";
  task.job.epoch = 77;
  task.job.payload = "touch('busy'); time.sleep(600)";
  stdio.start(std::move(task));
  const Ending ending = stdio.said.wait(77);
  CHECK(ending.verdict == Verdict::fail);
  CHECK(has(ending.text, "names another job than its own, second"));
  check_replaced(stdio, "protocol");
}

TEST_CASE("words in the pause between two jobs cost the process") {
  Stdio stdio;
  CHECK(stdio.job("say(result=1); raw(b'Thank you\\n'); return 'said'").text == "1");
  check_replaced(stdio, "protocol");
}

TEST_CASE("a line of 100 MB ends its job, and is not kept") {
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  Stdio stdio;
  const Ending ending =
      stdio.job("raw(b'{\"result\": \"')\nfor i in range(1600): raw(b'x' * 65536)\nraw(b'\"}\\n')");
  CHECK(ending.verdict == Verdict::bury);
  CHECK(ending.text.starts_with("ResultTooLarge"));
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 20 * 1024);
  check_replaced(stdio, "protocol");
}

TEST_CASE("a flood without a line is no result") {
  Stdio stdio;
  const Ending ending = stdio.job("while True: raw(b'y' * 65536)");
  CHECK(ending.verdict == Verdict::fail);
  CHECK(has(ending.text, "has more than"));
  check_replaced(stdio, "protocol");
}

TEST_CASE("no answer: the time limit ends the job and its process") {
  Stdio stdio;
  const Ending ending = stdio.job("raw(b'{\"result\": '); time.sleep(600)", Millis{300});
  CHECK(ending.verdict == Verdict::fail);
  CHECK(ending.text == "Timeout: stopped after 300ms");
  check_replaced(stdio, "timeout");
}

TEST_CASE("no sign: the job is stalled and its process replaced") {
  Stdio stdio;
  stdio.loop().limit({.stall_timeout = Millis{300}, .check_interval = Millis{50}});
  CHECK(stdio.job("raw(b'{\"resu'); time.sleep(600)").verdict == Verdict::stall);
  stdio.loop().limit({});  // the next process may take its time to start
  check_replaced(stdio, "stalled");
}

TEST_CASE("an answer after the order to stop does not count, but is waited for") {
  Stdio stdio;
  const std::int64_t epoch = stdio.begin(
      "def bye(*_):\n  say(result='too late'); touch('polite'); os._exit(0)\n"
      "signal.signal(signal.SIGTERM, bye); touch('up'); time.sleep(600)");
  CHECK(stdio.file("up") == "x");
  stdio.loop().stop({epoch}, {StopCause::cancelled, Millis{20000}, {}});
  const Ending ending = stdio.said.wait(epoch);
  CHECK(ending.verdict == Verdict::bury);
  CHECK(ending.text == "cancelled");
  CHECK(stdio.file("polite") == "x");
  check_replaced(stdio, "cancelled");
}

TEST_CASE("what ignores SIGTERM is killed, with a grandchild that holds the pipe") {
  become_subreaper();
  Stdio stdio;
  const std::int64_t epoch = stdio.begin(
      "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
      "far = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
      "touch('far', far.pid); touch('near', subprocess.Popen(['sleep', '600']).pid)\n"
      "touch('up'); time.sleep(600)");
  CHECK(stdio.file("up") == "x");
  stdio.loop().stop({epoch}, {StopCause::lost, Millis{100}, {}});
  CHECK(stdio.said.wait(epoch).verdict == Verdict::interrupted);
  CHECK(test::process_ends(std::stoi(stdio.file("near"))));
  CHECK(test::process_ends(std::stoi(stdio.file("far"))));
  check_replaced(stdio, "lost");
}

TEST_CASE("a child that holds stdout does not hold the end of its parent") {
  Stdio stdio;
  const Ending ending =
      stdio.job("touch('child', subprocess.Popen(['sleep', '600']).pid); os._exit(2)");
  CHECK(ending.verdict == Verdict::fail);
  CHECK(test::process_ends(std::stoi(stdio.file("child"))));
  check_replaced(stdio, "exit");
}

TEST_CASE("a program that closes its stdout cannot answer") {
  Stdio stdio;
  const Ending ending = stdio.job("os.close(1); time.sleep(600)");
  CHECK(ending.verdict == Verdict::fail);
  CHECK(has(ending.text, "closed its stdout and goes on"));
  check_replaced(stdio, "protocol");
}

TEST_CASE("a program that closes its stdin gets no further job, and no job is lost in it") {
  Stdio stdio;
  CHECK(stdio.job("os.close(0); say(result='last'); time.sleep(600)").text == "\"last\"");
  const Ending next = stdio.job("return 1");
  CHECK(next.verdict == Verdict::unstarted);
  check_replaced(stdio, "protocol");
}

TEST_CASE("one that leaves between two jobs loses none") {
  Stdio stdio;
  CHECK(stdio.job("say(result=1); wait('go'); os._exit(0)").text == "1");
  const std::int64_t unread = begin_unread(stdio, "return 2");
  std::filesystem::create_directory(stdio.folder() + "/go");
  CHECK(stdio.said.wait(unread).verdict == Verdict::unstarted);
  check_replaced(stdio, "exit");
}

TEST_CASE("a program that ends at once is started again later and later, and costs no job") {
  Stdio stdio("date +%s%N >> $HERE/starts; echo no config >&2; exit 1");
  const Capacity broken =
      stdio.said.wait_capacity([](const Capacity& now) { return !now.broken.empty(); });
  CHECK(broken.broken == "exit code 1: no config");
  CHECK(broken.slots == 0);
  const Ending job = stdio.job("return 1");
  CHECK((job.verdict == Verdict::broken || job.verdict == Verdict::unstarted));
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  CHECK(test::eventually([&] { return lines(stdio.folder() + "/starts") >= 3; }));
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  std::ifstream file(stdio.folder() + "/starts");
  std::int64_t first = 0;
  std::int64_t second = 0;
  std::int64_t third = 0;
  file >> first >> second >> third;
  CHECK(second - first >= 1000000000);
  CHECK(third - second >= 2000000000);
  CHECK(after.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_utime.tv_sec -
            before.ru_stime.tv_sec <=
        1);
}

TEST_CASE("a job that was sent to a program that ends before it reads goes back uncounted") {
  // Also one that is larger than the pipe.
  for (const std::size_t size : {std::size_t{10}, std::size_t{500000}}) {
    CAPTURE(size);
    Stdio stdio("while [ ! -e $HERE/go ]; do sleep 0.01; done; kill -KILL $$");
    begin_unread(stdio, std::string(size, 'p'));
    std::filesystem::create_directory(stdio.folder() + "/go");
    const Ending ending = stdio.said.wait(1);
    CHECK(ending.verdict == Verdict::broken);
    CHECK(has(ending.text, "killed by SIGKILL before it read its job"));
  }
}

TEST_CASE("a program that cannot be found, and then can") {
  Stdio stdio({.argv = {"/bin/sh", "-c", "exec $HERE/program"}});
  stdio.said.wait_capacity([](const Capacity& now) { return has(now.broken, "exit code 127"); });
  std::ofstream(stdio.folder() + "/new")
      << "#!/bin/sh\nwhile read -r line; do echo '{\"result\": 1}'; done\n";
  std::filesystem::permissions(stdio.folder() + "/new", std::filesystem::perms::owner_all);
  std::filesystem::rename(stdio.folder() + "/new", stdio.folder() + "/program");
  stdio.said.wait_capacity([](const Capacity& now) { return now.slots == 1; });
  CHECK(test::eventually([&] { return stdio.job("").verdict == Verdict::complete; }));
  stdio.said.wait_capacity([](const Capacity& now) { return now.broken.empty(); });
}

TEST_CASE("a program that is not there is a lack of capacity, not an error at the start") {
  Stdio stdio(StdioChoice{.argv = {"/no/such/program"}});
  const Capacity broken =
      stdio.said.wait_capacity([](const Capacity& now) { return !now.broken.empty(); });
  CHECK(broken.slots == 0);
  CHECK(broken.broken == "cannot start /no/such/program: No such file or directory");
  CHECK(stdio.job("").verdict == Verdict::unstarted);
}

TEST_CASE("one that is to be replaced and stays is killed") {
  Stdio stdio(
      "trap '' TERM; read -r line; echo '{\"result\": 1}'; echo $$ > $HERE/pid; "
      "while :; do sleep 0.05; done");
  stdio.loop().limit({.max_jobs = 1});
  CHECK(stdio.job("").text == "1");
  CHECK(test::process_ends(std::stoi(stdio.file("pid"))));
  CHECK(stdio.said.wait_restarts(1).front() == "jobs");
}
