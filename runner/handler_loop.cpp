#include "runner/handler_loop.h"

#include <future>

#include "base/log.h"

namespace wp::runner {

HandlerLoop::HandlerLoop(const MakeHandler& make, HandlerEvents& events) : events_(events) {
  std::promise<void> ready;
  thread_ = std::thread([this, &make, &ready] {
    try {
      handler_ = make(loop_, *this);
    } catch (...) {
      ready.set_exception(std::current_exception());
      return;
    }
    ready.set_value();
    loop_.run([this] { pulse_.beat(); });
    handler_.reset();
  });
  try {
    ready.get_future().get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

HandlerLoop::~HandlerLoop() {
  loop_.stop();
  thread_.join();
}

void HandlerLoop::start(std::vector<Task> tasks) {
  if (tasks.empty()) return;
  loop_.post([this, tasks = std::make_shared<std::vector<Task>>(std::move(tasks))] {
    for (Task& task : *tasks) start_one(std::move(task));
  });
}

void HandlerLoop::start_one(Task task) {
  const std::int64_t epoch = task.job.epoch;
  Running& running = running_[epoch];
  if (task.timeout.count() > 0) {
    running.timeout = loop_.after(
        task.timeout, [this, epoch] { handler_->stop(epoch, StopCause::timeout, kStopGrace); });
  }
  handler_->start(std::move(task));
  if (!running_.empty() && lease_timer_ == 0) watch_leases();
}

void HandlerLoop::stop(std::vector<std::int64_t> epochs, StopCause cause, Millis grace) {
  if (epochs.empty()) return;
  loop_.post([this, epochs = std::move(epochs), cause, grace] {
    for (const std::int64_t epoch : epochs) handler_->stop(epoch, cause, grace);
  });
}

void HandlerLoop::leases_hold_until(Millis boot_time, Millis grace) {
  lease_grace_ = grace.count();
  hold_until_ = boot_time.count();
}

// Looks again when the known end is reached: moving it costs the I/O thread a store, no wake-up.
void HandlerLoop::watch_leases() {
  lease_timer_ = 0;
  if (running_.empty()) return;
  const Millis until{hold_until_.load()};
  const Millis now = boot_now();
  if (now < until) {
    // No further than a second ahead: a configuration that kills on partitions may end one that
    // did not, and then the end is nearer than it was.
    lease_timer_ = loop_.at(std::min(until, now + Millis{1000}), [this] { watch_leases(); });
    return;
  }
  std::vector<std::int64_t> epochs;
  for (const auto& [epoch, running] : running_) epochs.push_back(epoch);
  log::warn("no lease was renewed in time: the running jobs are stopped",
            {{"jobs", epochs.size()}});
  for (const std::int64_t epoch : epochs) {
    handler_->stop(epoch, StopCause::partition, Millis{lease_grace_.load()});
  }
}

void HandlerLoop::ended(Ending ending) {
  if (const auto it = running_.find(ending.epoch); it != running_.end()) {
    loop_.cancel(it->second.timeout);
    running_.erase(it);
  }
  events_.ended(std::move(ending));
}

void HandlerLoop::progressed(std::int64_t epoch, queue::Progress progress) {
  events_.progressed(epoch, std::move(progress));
}

}  // namespace wp::runner
