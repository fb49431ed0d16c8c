// Plays the `console` blocks of a page in a folder that holds the page's programs: a line that
// begins with `$ ` is a command, and the lines behind it are lines of what it says (blanks do not
// count). Runners, and programs whose name ends with _app, stay up until the end of their block;
// every other command ends with exit code 0. Owned by one test; throws std::runtime_error with the
// page's line and the last output when something is not as the page says.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/docs/page.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace wp::test {

struct ConsoleCommand {
  int line = 0;  // in the page
  std::string words;
  std::vector<std::string> says;

  bool runs_runner() const;
  bool stays_up() const;
  /// `jobs show` may come before the job has ended.
  bool may_be_early() const;
};

std::vector<ConsoleCommand> commands_of(const FencedBlock& console);

/// Whether these lines stand in `output`, in this order, whatever the blanks.
bool says_lines(const std::string& output, const std::vector<std::string>& lines);

class Player {
 public:
  /// `environment`: for every command, beside the test's own.
  Player(const std::vector<FencedBlock>& programs, std::map<std::string, std::string> environment);

  const std::string& folder() const { return folder_.path(); }
  void play(const FencedBlock& console);

 private:
  struct Running {
    ConsoleCommand command;
    std::unique_ptr<Process> process;
  };

  std::unique_ptr<Process> start(const ConsoleCommand& command);
  void stay_up(const ConsoleCommand& command);
  void run(const ConsoleCommand& command);
  void stop_all();

  OwnFolder folder_;
  std::map<std::string, std::string> environment_;
  int logs_ = 0;
  std::vector<Running> running_;
};

}  // namespace wp::test
