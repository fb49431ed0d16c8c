#include "tests/runner/stdio_fixture.h"

#include <fstream>

#include "runner/handlers/environment.h"
#include "tests/support/wait.h"

namespace wp::test {

Stdio::Stdio(StdioChoice choice) {
  runner::StdioSettings settings;
  settings.path = choice.argv.front();
  settings.argv = std::move(choice.argv);
  settings.base_env = runner::inherited_environment();
  settings.base_env.push_back("HERE=" + folder());
  settings.base_env.push_back("WP_JOB_ID=of another");
  settings.queue = "q";
  settings.scratch_dir = folder();
  settings.processes = choice.processes;
  settings.ready = choice.ready;
  settings.startup_timeout = choice.startup_timeout;
  open([settings](runner::EventLoop& loop, runner::HandlerEvents& events) {
    return std::unique_ptr<runner::Handler>(
        std::make_unique<runner::StdioHandler>(settings, loop, events));
  });
}

std::int64_t Stdio::begin(const std::string& python, Millis timeout) {
  start(++last_, python, timeout);
  return last_;
}

runner::Ending Stdio::job(const std::string& python, Millis timeout) {
  return said.wait(begin(python, timeout));
}

bool process_ends(pid_t pid) {
  return eventually([pid] {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    return !std::getline(stat, line) || line.find(") Z") != std::string::npos;
  });
}

}  // namespace wp::test
