// The stdio handler on a real handler loop, with a program that does what its jobs say.
#pragma once

#include <string>
#include <vector>

#include "runner/handlers/stdio/handler.h"
#include "tests/runner/handler_harness.h"
#include "tests/runner/python_worker.h"

namespace wp::test {

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

/// Whether the process ends: a zombie counts as gone.
bool process_ends(pid_t pid);

}  // namespace wp::test
