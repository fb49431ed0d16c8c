// A program started by a test: its output in a file, killed with the object. Owned by one test.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/clock.h"

namespace wp::test {

/// A program of this build by its name: $WORKERPOOL_BIN/<name>.
std::string program(const std::string& name);

class Process {
 public:
  /// `log` is where stdout and stderr go. The environment is the test's own and `environment`.
  Process(const std::vector<std::string>& words, std::string log,
          const std::map<std::string, std::string>& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Its exit code, or 1000 + the signal that killed it; absent when it still runs then.
  std::optional<int> wait(Millis deadline = Millis{60000});
  std::string output() const;

 private:
  std::string log_;
  pid_t pid_ = -1;
  std::optional<int> exit_;
};

}  // namespace wp::test
