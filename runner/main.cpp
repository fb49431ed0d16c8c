// workerpool-runner: claims jobs from a queue and runs them. See runner.h for the whole.
#include "base/log.h"
#include "runner/options.h"
#include "runner/runner.h"

int main(int argc, char** argv) {
  return wp::run_program("workerpool-runner", [&] {
    const auto options = wp::runner::parse_options(argc, argv);
    if (!options) return 0;
    wp::log::Level level = wp::log::Level::info;
    if (wp::log::parse_level(options->log_level, level)) wp::log::set_level(level);
    return wp::runner::run_runner(*options);
  });
}
