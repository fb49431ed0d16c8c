// Bulk enqueue: batches of 500, the largest that one call takes.
#include <fmt/format.h>
#include <memory>
#include <thread>

#include "bench/ceiling.h"
#include "bench/load.h"
#include "bench/measures.h"

namespace wp::bench {
namespace {

double run_producers(std::vector<std::unique_ptr<Producer>>& producers, std::int64_t jobs_each) {
  const double start = seconds_now();
  {
    std::vector<std::jthread> threads;
    for (auto& producer : producers) {
      threads.emplace_back([own = producer.get(), jobs_each] { (void)own->enqueue(jobs_each); });
    }
  }
  return static_cast<double>(jobs_each) * static_cast<double>(producers.size()) /
         (seconds_now() - start);
}

}  // namespace

void measure_enqueue(const Effort& effort, Report& report) {
  Server server;
  Ceiling ceiling(server);
  const std::int64_t calls = effort.jobs * 2 / kBulk;
  for (const int count : {1, 4}) {
    std::vector<std::unique_ptr<Producer>> producers;
    for (int i = 0; i < count; ++i) producers.push_back(std::make_unique<Producer>(server));
    // Sidekiq's push_bulk reached 136,000 jobs/s on such a machine; 1.3 times that.
    Figure figure{
        fmt::format("enqueue_{}", count), "jobs/s", count == 1 ? ">= 177 000" : "", {}, {}};
    Samples redis_us, ceiling_us;
    for (int round = 0; round < effort.rounds; ++round) {
      server.flush();
      const Worker worker(server, "wp-bench-0-abcdef/12345678");
      const Account before = server.account();
      figure.ours.push_back(run_producers(producers, calls / count * kBulk));
      const Account spent = server.account().since(before);
      const auto jobs = static_cast<double>(calls / count * count * kBulk);
      redis_us.push_back(spent.cpu_us / jobs);
      figure.details["redis.calls/ENQUEUE"] =
          static_cast<double>(spent.inner_calls) / static_cast<double>(spent.script_calls);
      figure.details["bytes in/job"] = spent.bytes_in / jobs;
      figure.ceiling.push_back(ceiling.enqueue(kBulk, calls, kPayloadBytes));
      ceiling_us.push_back(ceiling.cpu_us());
      ceiling.clear();
    }
    figure.details["CPU us/job Redis"] = median(redis_us);
    figure.details["CPU us/job ceiling"] = median(ceiling_us);
    report.add(std::move(figure));
  }
}

}  // namespace wp::bench
