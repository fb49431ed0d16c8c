#include "bench/load.h"

#include <algorithm>
#include <chrono>

namespace wp::bench {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<std::string> runner_words(const std::string& program, Server& server,
                                      const std::vector<std::string>& options) {
  std::vector<std::string> words = {program,       "--redis",     server.redis().url(),
                                    "--queue",     kQueue,        "--probe-addr",
                                    "127.0.0.1:0", "--log-level", "error"};
  words.insert(words.end(), options.begin(), options.end());
  return words;
}

Producer::Producer(Server& server) : connection_(server.endpoint()), queue_(connection_, kQueue) {
  connection_.connect();
}

double Producer::enqueue(std::int64_t jobs, std::size_t payload) {
  queue::NewJob job;
  job.payload.assign(payload, 'x');
  const double start = seconds_now();
  for (std::int64_t left = jobs; left > 0; left -= kBulk) {
    std::vector<queue::NewJob> batch(static_cast<std::size_t>(std::min<std::int64_t>(left, kBulk)),
                                     job);
    (void)queue_.enqueue(batch, true);
  }
  return seconds_now() - start;
}

void Producer::stock(std::int64_t depth) {
  const std::int64_t there = waiting();
  if (there < depth) (void)enqueue(depth - there);
}

std::int64_t Producer::waiting() {
  return connection_.execute({"ZCARD", queue::key_name(kQueue, "ready")}).integer();
}

Worker::Worker(Server& server, const std::string& name)
    : connection_(server.endpoint()), queue_(connection_, kQueue), name_(name) {
  connection_.connect();
  (void)queue_.register_worker(name_, "{}", {});
}

int Worker::step(int batch) {
  const queue::StepResult result = queue_.step(name_, settlements_, batch);
  const int settled = static_cast<int>(
      std::count(result.settled.begin(), result.settled.end(), queue::Settled::done));
  settlements_.clear();
  for (const queue::ClaimedJob& job : result.claimed) {
    queue::Settlement settlement;
    settlement.id = job.id;
    settlement.epoch = job.epoch;
    settlement.text = "null";
    settlements_.push_back(std::move(settlement));
  }
  return settled;
}

}  // namespace wp::bench
