// The queue under a steady load, as a worker and a producer make it: through queue::Queue, every
// job a no-op. Each belongs to the thread that made it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/server.h"
#include "queue/queue.h"

namespace wp::bench {

inline constexpr const char* kQueue = "bench";
inline constexpr int kBulk = 500;  // jobs of one ENQUEUE
inline constexpr std::size_t kPayloadBytes = 100;

double seconds_now();  // of the steady clock

/// The words that start a runner on the queue, with its handler and other options behind.
std::vector<std::string> runner_words(const std::string& program, Server& server,
                                      const std::vector<std::string>& options);

class Producer {
 public:
  explicit Producer(Server& server);
  /// Enqueues so many jobs in bulk; answers how long that took.
  double enqueue(std::int64_t jobs, std::size_t payload = kPayloadBytes);
  /// Enqueues what is missing until so many wait.
  void stock(std::int64_t depth);
  std::int64_t waiting();

 private:
  redis::Connection connection_;
  queue::Queue queue_;
};

class Worker {
 public:
  Worker(Server& server, const std::string& name);
  /// One STEP: settles all that it holds as completed and claims up to `batch`. Answers how many
  /// it settled.
  int step(int batch);

 private:
  redis::Connection connection_;
  queue::Queue queue_;
  std::string name_;
  std::vector<queue::Settlement> settlements_;
};

}  // namespace wp::bench
