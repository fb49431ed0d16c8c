// workerpool-runner: claims jobs from a queue and runs them. See runner.h for the whole.
// `wait-gone` is a sub-command of its own (wait_gone.h).
#include <string_view>

#include "base/log.h"
#include "runner/options.h"
#include "runner/runner.h"
#include "runner/wait_gone.h"

int main(int argc, char** argv) {
  return wp::run_program("workerpool-runner", [&] {
    if (argc > 1 && std::string_view(argv[1]) == "wait-gone") {
      return wp::runner::run_wait_gone(argc - 1, argv + 1);
    }
    const auto options = wp::runner::parse_options(argc, argv);
    if (!options) return 0;
    wp::log::Level level = wp::log::Level::info;
    if (wp::log::parse_level(options->log_level, level)) wp::log::set_level(level);
    return wp::runner::run_runner(*options);
  });
}
