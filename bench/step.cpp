// The hot path: STEP with a stocked queue, every job a no-op, everything recorded.
#include <atomic>
#include <barrier>
#include <fmt/format.h>
#include <memory>
#include <thread>

#include "bench/ceiling.h"
#include "bench/load.h"
#include "bench/measures.h"
#include "bench/resources.h"

namespace wp::bench {
namespace {

constexpr std::int64_t kStock = 10000;  // waits at the end of a round, too
constexpr int kBatch = 32;

// Small batches are slow: fewer jobs for the same time.
std::int64_t jobs_of(const Effort& effort, int batch) {
  const std::int64_t jobs = batch == 1   ? effort.jobs / 6
                            : batch == 8 ? effort.jobs / 2
                                         : effort.jobs;
  return jobs / batch * batch;
}

double run_worker(Worker& worker, int batch, std::int64_t jobs) {
  (void)worker.step(batch);
  const double start = seconds_now();
  for (std::int64_t done = 0; done < jobs;) done += worker.step(batch);
  return static_cast<double>(jobs) / (seconds_now() - start);
}

void add_account(Figure& figure, const Account& account, double jobs) {
  figure.details["redis.calls/STEP"] =
      static_cast<double>(account.inner_calls) / static_cast<double>(account.script_calls);
  figure.details["redis.calls/job"] = static_cast<double>(account.inner_calls) / jobs;
  figure.details["bytes in/job"] = account.bytes_in / jobs;
  figure.details["bytes out/job"] = account.bytes_out / jobs;
}

// All start at once and step until `jobs` are done in all. Answers jobs a second.
double run_workers(std::vector<std::unique_ptr<Worker>>& workers, std::int64_t jobs) {
  std::atomic<std::int64_t> done{0};
  std::barrier together(static_cast<std::ptrdiff_t>(workers.size()) + 1);
  double start = 0;
  {
    std::vector<std::jthread> threads;
    for (auto& worker : workers) {
      threads.emplace_back([&, own = worker.get()] {
        (void)own->step(kBatch);
        together.arrive_and_wait();
        while (done < jobs) done += own->step(kBatch);
      });
    }
    together.arrive_and_wait();
    start = seconds_now();
  }
  const double rate = static_cast<double>(done) / (seconds_now() - start);
  for (auto& worker : workers) (void)worker->step(0);
  return rate;
}

}  // namespace

void measure_step(const Effort& effort, Report& report) {
  Server server;
  Ceiling ceiling(server);
  Producer producer(server);
  Worker worker(server, "wp-bench-0-abcdef/12345678");
  for (const int batch : {1, 8, 32, 128}) {
    const std::int64_t jobs = jobs_of(effort, batch);
    Figure figure{fmt::format("step_{}", batch),
                  "jobs/s",
                  batch == 32 ? ">= 0.60 of the ceiling" : "",
                  {},
                  {}};
    Samples redis_us, ceiling_us, worker_us;
    for (int round = 0; round < effort.rounds; ++round) {
      producer.stock(kStock + jobs + batch);
      if (round == 0) (void)run_worker(worker, batch, 1024);  // 1000 finished ones are kept
      const Account before = server.account();
      const double own_before = own_cpu_us();
      figure.ours.push_back(run_worker(worker, batch, jobs));
      worker_us.push_back((own_cpu_us() - own_before) / static_cast<double>(jobs));
      const Account spent = server.account().since(before);
      add_account(figure, spent, static_cast<double>(jobs));
      redis_us.push_back(spent.cpu_us / static_cast<double>(jobs));

      figure.ceiling.push_back(ceiling.step(batch, jobs / batch));
      ceiling_us.push_back(ceiling.cpu_us());
      ceiling.clear();
    }
    (void)worker.step(0);
    figure.details["us/job"] = 1e6 / median(figure.ours);
    // Processor time: what other programs on the machine do hardly touches it.
    figure.details["CPU us/job Redis"] = median(redis_us);
    figure.details["CPU us/job worker"] = median(worker_us);
    figure.details["CPU us/job ceiling"] = median(ceiling_us);
    report.add(std::move(figure));
  }
}

void measure_workers(const Effort& effort, Report& report) {
  Server server;
  Ceiling ceiling(server);
  Producer producer(server);
  for (const int count : {1, 4, 16}) {
    std::vector<std::unique_ptr<Worker>> workers;
    for (int i = 0; i < count; ++i) {
      workers.push_back(
          std::make_unique<Worker>(server, fmt::format("wp-bench-{}-abcdef/12345678", i)));
    }
    Figure figure{fmt::format("workers_{}", count), "jobs/s", "", {}, {}};
    for (int round = 0; round < effort.rounds; ++round) {
      producer.stock(kStock + effort.jobs + count * kBatch);
      figure.ours.push_back(run_workers(workers, effort.jobs));
      figure.ceiling.push_back(ceiling.step(kBatch, effort.jobs / kBatch));
      ceiling.clear();
    }
    report.add(std::move(figure));
  }
}

}  // namespace wp::bench
