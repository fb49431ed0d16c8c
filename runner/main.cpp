// workerpool-runner: claims jobs from a queue and runs them. See runner.h for the whole. As its
// first word, `install` (install.h) and `health` (health.h) are what an image needs beside, and
// `wait-gone` (wait_gone.h) what an app beside it does.
#include <string_view>

#include "base/log.h"
#include "runner/health.h"
#include "runner/install.h"
#include "runner/options.h"
#include "runner/runner.h"
#include "runner/wait_gone.h"

int main(int argc, char** argv) {
  return wp::run_program("workerpool-runner", [&] {
    const std::string_view verb = argc > 1 ? argv[1] : "";
    if (verb == "install") return wp::runner::run_install(argc - 1, argv + 1);
    if (verb == "health") return wp::runner::run_health(argc - 1, argv + 1);
    if (verb == "wait-gone") return wp::runner::run_wait_gone(argc - 1, argv + 1);
    const auto options = wp::runner::parse_options(argc, argv);
    if (!options) return 0;
    wp::log::Level level = wp::log::Level::info;
    if (wp::log::parse_level(options->log_level, level)) wp::log::set_level(level);
    return wp::runner::run_runner(*options);
  });
}
