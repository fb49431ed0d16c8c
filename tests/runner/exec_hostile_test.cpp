// Programs under the exec handler that break the rules: each costs its own job at most, and leaves
// nothing behind: no process, no descriptor, no folder, and no harm to the next job.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <signal.h>
#include <sstream>
#include <sys/resource.h>

#include "runner/handlers/environment.h"
#include "runner/handlers/exec.h"
#include "runner/process/reaper.h"
#include "tests/runner/handler_harness.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::runner;
using test::eventually;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Their words go to our own stderr: megabytes of them are nothing for a log of tests.
class Quiet {
 public:
  Quiet() : before_(dup(STDERR_FILENO)) {
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nothing, STDERR_FILENO);
    close(nothing);
  }
  ~Quiet() {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }

 private:
  int before_;
};

std::set<std::string> descriptors() {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    found.insert(entry.path().filename());
  }
  return found;
}

// At the worst moment since.
class MemoryGrowth {
 public:
  MemoryGrowth() : before_(peak()) {}
  std::int64_t mib() const { return (peak() - before_) / 1024; }

 private:
  static std::int64_t peak() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  }
  std::int64_t before_;
};

const std::string kPrelude = R"(
import os, signal, subprocess, sys, threading, time
HERE = os.environ["HERE"]
def touch(name, text="x"):
    with open(HERE + "/" + name + ".new", "w") as file:
        file.write(str(text))
    os.rename(HERE + "/" + name + ".new", HERE + "/" + name)
def wait(name):
    while not os.path.exists(HERE + "/" + name):
        time.sleep(0.002)
)";

// The exec handler; a job's payload is a program in Python. check_unharmed() is the end of each
// test.
class Hostile : public test::HandlerHarness {
 public:
  explicit Hostile(std::vector<std::string> argv = {"/usr/bin/python3", "-"}) {
    become_subreaper();  // as the runner is
    ExecSettings settings;
    settings.path = argv.front();
    settings.argv = std::move(argv);
    settings.base_env = inherited_environment();
    settings.base_env.push_back("HERE=" + folder());
    settings.queue = "q";
    settings.scratch_dir = folder() + "/scratch";
    std::filesystem::create_directory(settings.scratch_dir);
    open([settings](EventLoop& loop, HandlerEvents& events) -> std::unique_ptr<Handler> {
      return std::make_unique<ExecHandler>(settings, loop, events);
    });
    descriptors_ = descriptors();
  }

  std::int64_t begin(const std::string& python, Millis timeout = Millis{0}) {
    start(++last_, kPrelude + python, timeout);
    return last_;
  }
  Ending job(const std::string& python, Millis timeout = Millis{0}) {
    return said.wait(begin(python, timeout));
  }
  Ending stop(std::int64_t epoch, StopCause cause, Millis grace) {
    loop().stop({epoch}, {cause, grace, {}});
    return said.wait(epoch);
  }

  void check_clean() {
    std::string left;
    CHECK_MESSAGE(eventually([&] { return (left = processes()).empty(); }),
                  "processes of the job are left: ", left);
    // The anchor, and an empty one that may be kept for the next job. What is being removed has its
    // folders open.
    CHECK(eventually([&] { return scratch_entries() <= 2; }, Millis{60000}));
    CHECK_MESSAGE(eventually([&] { return descriptors() == descriptors_; }),
                  "descriptors: ", descriptors_.size(), " before, ", descriptors().size(), " now");
  }
  void check_unharmed() {
    check_clean();
    CHECK(job("print('fine')").text == "\"fine\"");
    check_clean();
  }

 private:
  // Whatever was started by a job has HERE in its environment, or is our child.
  std::string processes() const {
    std::string found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      if (std::stoi(name) == getpid()) continue;
      const std::string stat = read_all(entry.path() / "stat");
      const std::size_t behind = stat.rfind(") ");
      if (behind == std::string::npos) continue;
      std::istringstream fields(stat.substr(behind + 2));
      std::string state;
      pid_t parent = 0;
      fields >> state >> parent;
      const std::string words = read_all(entry.path() / "environ");
      const bool marked = words.find("HERE=" + folder() + '\0') != std::string::npos;
      if (marked || parent == getpid()) found += name + " (" + state + ") ";
    }
    return found;
  }

  // Files and folders of the first two levels.
  std::size_t scratch_entries() const {
    std::size_t count = 0;
    std::error_code going;
    for (const auto& entry : std::filesystem::directory_iterator(folder() + "/scratch", going)) {
      ++count;
      for (const auto& inner : std::filesystem::directory_iterator(entry.path(), going)) {
        (void)inner;
        ++count;
      }
    }
    return count;
  }

  std::int64_t last_ = 0;
  std::set<std::string> descriptors_;
};

// Leaves group and session, and its parent too: nothing but its environment tells whose it is.
const std::string kDaemon = R"(
def daemon(work):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            work()
            time.sleep(600)
        os._exit(0)
    os.wait()
)";

}  // namespace

TEST_CASE("a daemon that holds the pipes outlives neither its job's end nor its cancel") {
  Hostile hostile;
  CHECK(hostile.job(kDaemon + "daemon(lambda: touch('far'))\nwait('far')\nprint('out')").text ==
        "\"out\"");
  hostile.check_unharmed();
  const std::int64_t epoch =
      hostile.begin(kDaemon + "daemon(lambda: touch('again'))\nwait('again')\ntime.sleep(600)");
  hostile.file("again");
  CHECK(hostile.stop(epoch, StopCause::cancelled, Millis{100}).verdict == Verdict::bury);
  hostile.check_unharmed();
}

TEST_CASE("a program that closes all its descriptors at once and lives on is timed out") {
  Hostile hostile;
  const Ending ending =
      hostile.job("touch('up')\nfor fd in range(4): os.close(fd)\ntime.sleep(600)", Millis{5000});
  hostile.file("up");
  CHECK(ending.verdict == Verdict::fail);
  CHECK(ending.text == "Timeout: stopped after 5s");
  hostile.check_unharmed();
}

TEST_CASE("a program that closes all its descriptors and ends well has no result") {
  Hostile hostile;
  CHECK(hostile.job("for fd in range(4): os.close(fd)\nos._exit(0)").text == "null");
  hostile.check_unharmed();
}

TEST_CASE("stdout and stderr flood at the same time, and a MiB on stdin is not read") {
  const Quiet quiet;
  Hostile hostile({"/usr/bin/python3", "-c", R"(
import os, sys, threading
if not os.environ.get("WP_JOB_TYPE") == "flood": exec(sys.stdin.read()); sys.exit()
def flood(fd, chunks):
    for i in range(chunks): os.write(fd, b'y' * 65536)
both = [threading.Thread(target=flood, args=a) for a in ((1, 15), (2, 800))]
for one in both: one.start()
for one in both: one.join()
sys.exit(3)
)"});
  const MemoryGrowth growth;
  Task task;
  task.job.id = "job";
  task.job.epoch = 77;
  task.job.type = "flood";
  task.job.payload = std::string(kMiB, 'p');
  hostile.start(std::move(task));
  const Ending ending = hostile.said.wait(77);
  CHECK(ending.verdict == Verdict::fail);
  CHECK(ending.text.starts_with("exit code 3: yyy"));
  CHECK(growth.mib() < 20);
  hostile.check_unharmed();
}

TEST_CASE("descriptor 3: half a line, noise, 100 MB without a newline; a good line still counts") {
  Hostile hostile;
  const MemoryGrowth growth;
  const std::int64_t epoch = hostile.begin(R"(
os.write(3, b'{"progress": 1')
os.write(3, b'\n\x00\xff\xfe{]\n\n{"progress": "50"}\n[40]\n{"progress": 1e999}\n')
for i in range(1600): os.write(3, b'x' * 65536)
os.write(3, b'{"progress": 2}\n{"progress": 60, "message": "whole"}\n{"progress": 99')
os.close(3)
print('done')
)");
  CHECK(hostile.said.wait(epoch).text == "\"done\"");
  // What is behind 100 MB of a line belongs to it, up to its end.
  const queue::Progress progress = hostile.said.wait_progress();
  CHECK(progress.percent == 60);
  CHECK(progress.message == "whole");
  CHECK(growth.mib() < 20);
  hostile.check_unharmed();
}

TEST_CASE("an end that meets a cancel is one end, whoever is first") {
  Hostile hostile({"/bin/sh", "-c",
                   "[ $WP_JOB_TYPE = t ] || exec sleep 0.0$WP_JOB_TYPE; "
                   "exec /usr/bin/python3 -"});
  int completed = 0;
  int cancelled = 0;
  int late = 0;
  for (std::int64_t round = 0; round < 120; ++round) {
    // One at a time, ended and cancelled at about the same moment; every third time it is a time
    // limit that comes in between too.
    Task task;
    task.job.id = "job";
    task.job.epoch = 1000 + round;
    task.job.type = std::to_string(10 + round % 10);
    if (round % 3 == 0) task.timeout = Millis{10 + round % 15};
    hostile.start(std::move(task));
    const auto moment = std::chrono::steady_clock::now() + std::chrono::milliseconds(round % 30);
    while (std::chrono::steady_clock::now() < moment) std::this_thread::yield();
    hostile.loop().stop({1000 + round}, {StopCause::cancelled, Millis{round % 4}, {}});
    const Ending ending = hostile.said.wait(1000 + round);
    completed += ending.verdict == Verdict::complete;
    cancelled += ending.verdict == Verdict::bury && ending.text == "cancelled";
    late += ending.verdict == Verdict::fail && ending.text.starts_with("Timeout");
  }
  CHECK(completed + cancelled + late == 120);
  MESSAGE("of 120 races ", completed, " were won by the end, ", cancelled, " by the cancel, ", late,
          " by the time limit");
  // A stop that comes after the end, and one at once: both sides are seen on each machine.
  hostile.start(1);
  CHECK(hostile.stop(1, StopCause::cancelled, Millis{0}).verdict == Verdict::bury);
  hostile.start(2, "print(1)");
  CHECK(hostile.said.wait(2).verdict == Verdict::complete);
  CHECK(hostile.stop(2, StopCause::cancelled, Millis{0}).verdict == Verdict::complete);
  hostile.check_clean();
}

TEST_CASE("a result that is written before a hang is none") {
  Hostile hostile;
  const Ending ending =
      hostile.job("print('{\"ok\": 1}', flush=True)\ntime.sleep(600)", Millis{1500});
  CHECK(ending.verdict == Verdict::fail);
  CHECK(ending.text == "Timeout: stopped after 1s500ms");
  hostile.check_unharmed();
}

TEST_CASE("200 processes in 200 sessions that ignore SIGTERM: a cancel leaves none") {
  Hostile hostile;
  const std::int64_t epoch = hostile.begin(kDaemon + R"(
for i in range(100): daemon(lambda: None)
for i in range(100):
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
touch('all')
time.sleep(600)
)");
  hostile.file("all");
  CHECK(hostile.stop(epoch, StopCause::cancelled, Millis{100}).verdict == Verdict::bury);
  hostile.check_unharmed();
}

TEST_CASE("a handler's own memory priority is its own") {
  const std::string before = read_all("/proc/self/oom_score_adj");
  Hostile hostile;
  CHECK(hostile
            .job("open('/proc/self/oom_score_adj', 'w').write('900')\n"
                 "print(open('/proc/self/oom_score_adj').read())")
            .text == "900");
  CHECK(read_all("/proc/self/oom_score_adj") == before);
  CHECK(hostile.job("print(open('/proc/self/oom_score_adj').read())").text == "500");
  hostile.check_unharmed();
}

TEST_CASE("a scratch folder of 10,000 files, or 2,000 folders deep, is removed") {
  Hostile hostile;
  CHECK(hostile
            .job(R"(
os.chdir(os.environ["WP_JOB_DIR"])
for i in range(10000): open("f%d" % i, "w").close()
for i in range(2000):
    os.mkdir("a folder with a name of some length")
    os.chdir("a folder with a name of some length")
os.symlink("/", "root")
os.mkfifo("pipe")
print(len(os.listdir(os.environ["WP_JOB_DIR"])))
)")
            .text == "10001");
  hostile.check_unharmed();
}

TEST_CASE("a payload of a MiB with every byte arrives as it is") {
  Hostile hostile({"/usr/bin/python3", "-c",
                   "import os, sys\n"
                   "if os.environ['WP_EPOCH'] != '77': exec(sys.stdin.read()); sys.exit()\n"
                   "print(sys.stdin.buffer.read() == bytes(range(256)) * 4096)"});
  std::string payload;
  for (std::size_t i = 0; i < kMiB; ++i) payload += static_cast<char>(i % 256);
  hostile.start(77, payload);
  CHECK(hostile.said.wait(77).text == "\"True\"");
  hostile.check_unharmed();
}

TEST_CASE("a result of 16 KiB is kept, one of a byte more buries its job") {
  Hostile hostile;
  // As a JSON text it has two quotes more.
  const Ending most = hostile.job("print('x' * 16382)");
  CHECK(most.verdict == Verdict::complete);
  CHECK(most.text.size() == queue::kMaxResultBytes);
  const Ending more = hostile.job("print('x' * 16383)");
  CHECK(more.verdict == Verdict::bury);
  CHECK(more.text.starts_with("ResultTooLarge: the result has 16385 bytes"));
  hostile.check_unharmed();
}

TEST_CASE("one that stopped itself hears of its cancel, and leaves politely") {
  Hostile hostile;
  const std::int64_t epoch = hostile.begin(R"(
def bye(*_): touch('polite'); os._exit(0)
signal.signal(signal.SIGTERM, bye)
touch('up')
os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(600)
)");
  hostile.file("up");
  CHECK(hostile.stop(epoch, StopCause::cancelled, Millis{60000}).verdict == Verdict::bury);
  CHECK(hostile.file("polite") == "x");
  hostile.check_unharmed();
}

TEST_CASE("the longest id that a queue takes") {
  Hostile hostile;
  const std::string id = "..:_-" + std::string(59, 'i');
  Task task;
  task.job.id = id;
  task.job.epoch = 9007199254740992;
  task.job.payload = "import os; print(os.environ['WP_JOB_ID'])";
  hostile.start(std::move(task));
  CHECK(hostile.said.wait(9007199254740992).text == '"' + id + '"');
  hostile.check_unharmed();
}
