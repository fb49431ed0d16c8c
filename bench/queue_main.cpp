// bench/queue: measures the queue beside what the same Redis can do, in the same run.
// Measurements, not tests: nothing fails because a machine was slow.
#include <array>

#include "bench/program.h"

namespace {

using namespace wp::bench;

constexpr const char* kEpilog =
    "Each measurement starts its own redis-server on a unix socket, without persistence, and\n"
    "needs redis-server and redis-benchmark (apt-get install redis-server redis-tools).\n"
    "The ceiling is a script with the same vector calls on the same data and no decisions,\n"
    "called by 8 clients of redis-benchmark: bench/ceiling.h says what it does and why it is\n"
    "fair. Ours and ceiling run in turns; a ratio is the median of the rounds' ratios, the\n"
    "range beside ours is that of the rounds. On a busy machine trust the ratios only.\n"
    "\n"
    "Examples:\n"
    "  bench/queue step --rounds 7\n"
    "  bench/queue all --json before.json\n"
    "  bench/queue compare before.json after.json";

constexpr std::array<Measure, 4> kMeasures = {{
    {"step", "jobs/s of one worker at batches of 1, 8, 32, 128; redis.calls and bytes of a job",
     measure_step},
    {"workers", "jobs/s of 1, 4, 16 workers at batch 32", measure_workers},
    {"enqueue", "jobs/s of bulk enqueues", measure_enqueue},
    {"depth", "time of a job with 100, 10,000, a million waiting; memory of a waiting job",
     measure_depth},
}};

}  // namespace

int main(int argc, char** argv) {
  return bench_program(argc, argv,
                       {"queue", "Measures the queue beside the ceiling of this machine's Redis.",
                        kEpilog, kMeasures});
}
