// bench/runner: measures the runner as a program, beside what this machine can do without it, in
// the same run. Measurements, not tests: nothing fails because a machine was slow.
#include <array>

#include "bench/program.h"

namespace {

using namespace wp::bench;

constexpr const char* kEpilog =
    "Needs the program workerpool-runner: --runner, else beside $WORKERPOOL_BIN, else ../bin of\n"
    "this program; and redis-server, redis-benchmark and python3. Each measurement starts its\n"
    "own redis-server on a unix socket, without persistence. Ours and the ceiling (a bare loop,\n"
    "a bare client) run in turns; a ratio is the median of the rounds' ratios. On a busy machine\n"
    "trust the ratios only.\n"
    "\n"
    "Examples:\n"
    "  bench/runner pickup --rounds 5\n"
    "  bench/runner all --json before.json\n"
    "  bench/runner compare before.json after.json";

constexpr std::array<Measure, 4> kMeasures = {{
    {"throughput", "jobs/s of each handler, beside a bare loop that does the same",
     measure_throughput},
    {"pickup", "ms from an enqueue on an idle pool to its claim, beside a bare BRPOP",
     measure_pickup},
    {"idle", "memory, processor time and commands of a runner without work", measure_idle},
    {"beats", "the longest time between two beats while every core is busy", measure_beats},
}};

}  // namespace

int main(int argc, char** argv) {
  return bench_program(
      argc, argv,
      {"runner", "Measures the runner beside what this machine can do.", kEpilog, kMeasures});
}
