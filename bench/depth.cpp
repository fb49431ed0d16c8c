// What a deep queue costs: the time of a job, which should not grow with the jobs that wait, and
// the memory of a job that waits.
#include <fmt/format.h>

#include "bench/load.h"
#include "bench/measures.h"

namespace wp::bench {
namespace {

constexpr int kBatch = 32;

// Memory of a waiting job beyond its payload. Leaves the jobs there.
double bytes_per_job(Server& server, Producer& producer, std::int64_t jobs, std::size_t payload) {
  const std::int64_t before = server.used_memory();
  (void)producer.enqueue(jobs, payload);
  return static_cast<double>(server.used_memory() - before) / static_cast<double>(jobs) -
         static_cast<double>(payload);
}

// Time of a job while so many wait: what each STEP takes is put back before the next, untimed.
double us_per_job(Producer& producer, Worker& worker, std::int64_t steps) {
  double busy = 0;
  std::int64_t done = 0;
  (void)worker.step(kBatch);
  for (std::int64_t i = 0; i < steps; ++i) {
    (void)producer.enqueue(kBatch);
    const double start = seconds_now();
    done += worker.step(kBatch);
    busy += seconds_now() - start;
  }
  (void)worker.step(0);
  (void)producer.enqueue(kBatch);
  return busy * 1e6 / static_cast<double>(done);
}

}  // namespace

void measure_depth(const Effort& effort, Report& report) {
  Server server;
  Producer producer(server);
  for (const std::size_t payload : {std::size_t{0}, kPayloadBytes}) {
    server.flush();
    const Worker worker(server, "wp-bench-0-abcdef/12345678");
    report.add({fmt::format("memory_payload_{}", payload),
                "bytes/job",
                "<= 180",
                {bytes_per_job(server, producer, effort.depth, payload)},
                {}});
  }

  // The deep queue is there already; the others are filled beside it, on a server of their own.
  Worker deep(server, "wp-bench-0-abcdef/12345678");
  Server other;
  Producer other_producer(other);
  Figure at_100{"depth_100", "us/job", "", {}, {}};
  Figure at_10k{"depth_10000", "us/job", "", {}, {}};
  Figure at_full{fmt::format("depth_{}", effort.depth), "us/job", "flat within 2x", {}, {}};
  const std::int64_t steps = effort.jobs / kBatch / 3;
  for (int round = 0; round < effort.rounds; ++round) {
    other.flush();
    Worker fresh(other, "wp-bench-0-abcdef/12345678");
    other_producer.stock(100);
    at_100.ours.push_back(us_per_job(other_producer, fresh, steps));
    other_producer.stock(10000);
    at_10k.ours.push_back(us_per_job(other_producer, fresh, steps));
    at_full.ours.push_back(us_per_job(producer, deep, steps));
  }
  at_full.details["times that of 100"] = median(at_full.ours) / median(at_100.ours);
  report.add(std::move(at_100));
  report.add(std::move(at_10k));
  report.add(std::move(at_full));
}

}  // namespace wp::bench
