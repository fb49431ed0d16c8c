// The entry point of every doctest binary. A layer whose real part is missing exits with 77
// (skipped), which is a failure when CI=true.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "base/log.h"
#include "base/stop_signals.h"

int main(int argc, char** argv) {
  wp::ignore_sigpipe();
  wp::log::set_level(wp::log::Level::error);
  doctest::Context context(argc, argv);
  return context.run();
}
