// A program for the stdio handler that does what its job says, in Python; and a harness for it.
#pragma once

#include <string>
#include <vector>

#include "runner/handlers/stdio.h"
#include "tests/runner/handler_harness.h"

namespace wp::test {

/// The payload of a job is Python, run in a function with `job`, say(…) for a message of the
/// protocol with the job's id, raw(bytes) for anything else on stdout, touch(name) for a file in
/// $HERE, wait(name) for one; what it returns is the result. `begin` runs before the first job,
/// `end` at the end of stdin.
std::vector<std::string> python_worker(const std::string& begin = "pass",
                                       const std::string& end = "pass");

struct StdioChoice {
  std::vector<std::string> argv = python_worker();
  int processes = 1;
  bool ready = false;
  Millis startup_timeout{60000};
};

class Stdio : public HandlerHarness {
 public:
  explicit Stdio(StdioChoice choice = {});
  explicit Stdio(const std::string& shell_script)
      : Stdio(StdioChoice{.argv = {"/bin/sh", "-c", shell_script}}) {}

  /// Runs one job after the other; they are numbered through.
  runner::Ending job(const std::string& python, Millis timeout = Millis{0});
  /// Begins one and answers its epoch.
  std::int64_t begin(const std::string& python, Millis timeout = Millis{0});

 private:
  std::int64_t last_ = 0;
};

/// Whether the process ends within 10 s: a zombie counts as gone.
bool process_ends(pid_t pid);

}  // namespace wp::test
