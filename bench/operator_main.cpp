// bench/operator: measures the operator's decisions by themselves, and the whole program on a real
// API server. Measurements, not tests: nothing fails because a machine was slow.
#include <array>

#include "bench/program.h"

namespace {

using namespace wp::bench;

constexpr const char* kEpilog =
    "decide and reconcile count processor time, which others on the machine hardly touch.\n"
    "control-plane needs the program workerpool-operator (--operator, else beside\n"
    "$WORKERPOOL_BIN, else ../bin of this program), redis-server, and the binaries of a control\n"
    "plane (tests/cluster/README.md). The reaction is seen in the API server's own audit log; its\n"
    "ceiling is a bare PUBLISH and a bare write of /scale on the same servers, in turns. On a "
    "busy\n"
    "machine trust the ratios only. SIGINT stops all that was started.\n"
    "\n"
    "Examples:\n"
    "  bench/operator control-plane --pools 100 --tries 20\n"
    "  bench/operator all --json before.json\n"
    "  bench/operator compare before.json after.json";

constexpr std::array<Measure, 3> kMeasures = {{
    {"decide", "processor time and allocations of a decision, for each policy", measure_decisions},
    {"reconcile", "processor time of a whole reconcile of a pool at rest", measure_reconcile},
    {"control-plane",
     "on a real API server with 1, 100 and all pools: memory, processor and requests at rest; from "
     "an enqueue to the acknowledged /scale",
     measure_control_plane},
}};

}  // namespace

int main(int argc, char** argv) {
  return bench_program(argc, argv,
                       {"operator",
                        "Measures the operator.",
                        kEpilog,
                        kMeasures,
                        {.rounds = 5, .idle_seconds = 60, .tries = 100}});
}
