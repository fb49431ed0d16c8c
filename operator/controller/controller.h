// The reconciler's threads and its work queue. Whatever changes a pool's situation enqueues its
// key; a worker takes it, reconciles level by level, and asks to come back later where time
// matters.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "operator/backlog/backlog.h"
#include "operator/controller/ports.h"
#include "operator/kube/work_queue.h"
#include "operator/workload/workload.h"

namespace wp::controller {

class Reconciler;

class Controller {
 public:
  struct Options {
    PoolLookup pools;
    EndpointLookup endpoint;
    StatusWriter write_status;
    EventWriter write_event;
    workload::Workload* workload = nullptr;
    metrics::Registry* metrics = nullptr;
    const Clock* clock = nullptr;  // nullptr: the machine's
    std::int64_t term = 0;         // fences writes to queues
    int threads = 2;
    Millis status_interval{5000};  // numbers are written at most so often
  };

  explicit Controller(Options options);
  ~Controller();  // stop()
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void start();
  /// Finishes what is being reconciled and joins.
  void stop();

  /// Something about this pool changed. Any thread.
  void enqueue(const std::string& pool_key) { queue_.add(pool_key); }

  const backlog::BacklogReader& backlog() const { return *backlog_; }

 private:
  void work();

  Options options_;
  kube::WorkQueue queue_;
  std::unique_ptr<backlog::BacklogReader> backlog_;
  std::unique_ptr<Reconciler> reconciler_;
  std::vector<std::jthread> threads_;
};

}  // namespace wp::controller
