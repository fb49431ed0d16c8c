#include "ctl/simulate/request.h"

#include "ctl/simulate/generate.h"

namespace wp::simulate {
namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kDay = 24 * 3600 * kSecond;

constexpr const char* kEpilog =
    "FILE is a recorded load: lines of arrival_s,service_s, when a job came and how long it ran,\n"
    "in seconds (a header may stand above; - is standard input). Without it a load is generated:\n"
    "  steady   2 jobs a second                spike   0.28 a second, with two bursts\n"
    "  diurnal  0 to 4 a second and back       onoff   4 a second for 2 minutes of 6, else none\n"
    "  heavy    steady, a few jobs very long\n"
    "\n"
    "Policies: LookAhead, SlotPerJob, Threshold and TargetDepth are the operator's own code;\n"
    "HPA-like is what an HPA with KEDA does that counts running jobs: every 15 s, down after 300 "
    "s.\n"
    "--pool-file takes the policy and its numbers from a pool; what is named beside it wins.\n"
    "\n"
    "The table: COST is the worker-seconds, SOJOURN the time from enqueue to end, both as "
    "multiples\n"
    "of the oracle's, which starts every job at once on exactly as many workers as that takes.\n"
    "PRODUCT is the two multiplied: the lower the better. Waits are in seconds. STARTED counts "
    "new\n"
    "workers, PEAK is the most at once, CHANGES how often the number was changed.\n"
    "\n"
    "Examples:\n"
    "  workerpoolctl simulate --load onoff --plot -\n"
    "  workerpoolctl simulate --from-queue -q images --pool-file pool.yaml --save monday.csv\n"
    "  workerpoolctl simulate monday.csv --pool-file pool.yaml --plot monday.svg\n"
    "  workerpoolctl simulate monday.csv --policy LookAhead,HPA-like --hpa-grace 30s --runs 5\n"
    "  workerpoolctl simulate --load spike --policy LookAhead --target-wait 10s --headroom Low";

void declare_load(Options& verb, Request& r) {
  verb.positional("FILE", "a recorded load", r.file, false);
  verb.toggle({.name = "from-queue",
               .help = "the completed jobs that the queue (-q) still keeps are the load"},
              r.from_queue);
  verb.choice({.name = "load", .help = "the shape of a generated one", .placeholder = "SHAPE"},
              r.shape, shape_names());
  verb.text({.name = "rate", .help = "jobs a second on average, or 30/m, 100/h; else the shape's"},
            r.rate);
  verb.duration({.name = "service", .help = "how long a job runs on average"}, r.service,
                {1, kDay});
  verb.text({.name = "sigma",
             .help = "how much jobs differ: sigma of the logarithm, 0 to 4; else 1, heavy: 2"},
            r.sigma);
  verb.duration({.name = "duration", .help = "jobs arrive for so long"}, r.duration,
                {kSecond, 31 * kDay});
  verb.text({.name = "save",
             .help = "write the load there; -: here, and nothing else",
             .placeholder = "FILE"},
            r.save);
  verb.integer({.name = "seed", .help = "of the load and of the start delays"}, r.seed,
               {0, std::int64_t{1} << 53});
}

void declare_policies(Options& verb, Request& r) {
  verb.list({.name = "policy",
             .help = "several by commas or several times; all but TargetDepth when absent",
             .placeholder = "NAME"},
            r.policies);
  verb.text({.name = "pool-file",
             .help = "a pool's own policy and numbers; - is standard input",
             .placeholder = "FILE"},
            r.pool_file);
  verb.integer({.name = "min", .help = "workers at least"}, r.min, {0, 100'000});
  verb.integer({.name = "max", .help = "workers at most"}, r.max, {1, 100'000});
  verb.integer({.name = "concurrency", .help = "jobs at once per worker"}, r.concurrency,
               {1, 1000});
  verb.duration(
      {.name = "window", .help = "scaleDownWindow; 0: 3 times the measured start, 10s to 60s"},
      r.window, {0, kDay});
  verb.integer({.name = "spare", .help = "spareWorkers"}, r.spare, {0, 100'000});
  verb.duration({.name = "scale-to-zero-after", .help = "the last worker leaves after so long"},
                r.scale_to_zero_after, {0, kDay});
  verb.integer({.name = "up-workers", .help = "maxScaleUp.workers: new ones per 5 s"}, r.up_workers,
               {1, 100'000});
  verb.duration({.name = "target-wait", .help = "LookAhead"}, r.target_wait, {0, kDay});
  verb.choice({.name = "headroom", .help = "LookAhead: Low, Normal or High"}, r.headroom,
              {"Low", "Normal", "High"});
  verb.duration({.name = "expected-duration", .help = "LookAhead: of a job, before any ended"},
                r.expected_duration, {1, kDay});
  verb.integer({.name = "up-at-percent", .help = "Threshold: waiting jobs per worker"}, r.up_at,
               {1, 1'000'000});
  verb.integer({.name = "down-at-percent", .help = "Threshold"}, r.down_at, {0, 1'000'000});
  verb.integer({.name = "step", .help = "Threshold: workers per change; 0 jumps"}, r.step,
               {0, 100'000});
  verb.integer({.name = "target-depth", .help = "Threshold: one more above so many waiting"},
               r.target_depth, {0, 1'000'000'000});
  verb.duration({.name = "cooldown", .help = "Threshold: between two changes"}, r.cooldown,
                {0, kDay});
  verb.integer({.name = "jobs-per-worker", .help = "TargetDepth"}, r.jobs_per_worker,
               {1, 1'000'000});
  verb.duration({.name = "hpa-grace",
                 .help = "HPA-like: workers told to go are killed after so long; 0: they drain"},
                r.hpa_grace, {0, kDay});
}

void declare_surroundings(Options& verb, Request& r) {
  verb.duration({.name = "snapshot", .help = "between two decisions"}, r.snapshot, {10, 600'000});
  verb.duration({.name = "pod-start", .help = "from creation until a worker is ready, at least"},
                r.start_fixed, {0, 3600'000});
  verb.duration({.name = "pod-start-random", .help = "and so much more on average (exponential)"},
                r.start_random, {0, 3600'000});
  verb.integer({.name = "runs", .help = "with start delays of so many seeds; shows the mean"},
               r.runs, {1, 1000});
  verb.text({.name = "plot",
             .help = "workers and waiting jobs over time as SVG into a file, or - for here",
             .placeholder = "FILE|-"},
            r.plot);
}

}  // namespace

void declare(Options& verb, Request& request) {
  declare_load(verb, request);
  declare_policies(verb, request);
  declare_surroundings(verb, request);
  verb.epilog(kEpilog);
}

}  // namespace wp::simulate
