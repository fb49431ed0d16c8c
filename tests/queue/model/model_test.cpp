// Random sequences of all operations on a real Redis beside a model of what must be true. A failing
// sequence is shrunk to a few operations and told as a story, with a line RC_PARAMS="…" that
// repeats it: set that in the environment of the next run.
//
// WORKERPOOL_MODEL_OPERATIONS: how many operations, 100,000 by default.
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rapidcheck.h>

#include "tests/queue/fixture.h"
#include "tests/queue/model/player.h"

using namespace wp;
using wp::test::Command;

namespace rc {

template <>
struct Arbitrary<Command> {
  static Gen<Command> arbitrary() {
    return gen::build<Command>(gen::set(&Command::dice, gen::inRange(0, 1000)),
                               gen::set(&Command::seed, gen::inRange(0, 100000)));
  }
};

}  // namespace rc

namespace wp::test {

void showValue(const Command& command, std::ostream& out) {
  out << name_of(kind_of(command)) << " " << command.seed;
}

}  // namespace wp::test

namespace {

constexpr int kLength = 400;  // of the longest sequence; they are of all lengths up to that

long operations_wanted() {
  const char* text = std::getenv("WORKERPOOL_MODEL_OPERATIONS");
  return text == nullptr ? 100000 : std::max(1L, std::atol(text));
}

}  // namespace

TEST_CASE("whatever is done to a queue, it stays what the contract says") {
  const long wanted = operations_wanted();
  if (std::getenv("RC_PARAMS") == nullptr) {
    const std::string params =
        fmt::format("max_success={} max_size={}", std::max(1L, wanted / (kLength / 4)), kLength);
    setenv("RC_PARAMS", params.c_str(), 1);
  }
  redis::Connection connection(test::shared_redis().endpoint());
  redis::Connection raw(test::shared_redis().endpoint());
  connection.connect();
  raw.connect();
  long played = 0;
  std::string failure;  // the last one, that is of the shortest sequence; should it be a rare one
  const auto begun = std::chrono::steady_clock::now();
  const bool fine = rc::check("random operations", [&](const std::vector<Command>& commands) {
    played += static_cast<long>(commands.size());
    try {
      test::Player player(connection, raw);
      for (const Command& command : commands) player.play(command);
      player.finish();
    } catch (const std::exception& e) {
      failure = e.what();
      throw;
    }
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  MESSAGE(fmt::format("{} operations, {:.0f} a second", played,
                      static_cast<double>(played) / took.count()));
  CAPTURE(failure);
  CHECK(fine);
}
