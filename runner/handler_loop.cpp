#include "runner/handler_loop.h"

#include <algorithm>
#include <fmt/format.h>
#include <future>
#include <iterator>

#include "base/log.h"
#include "base/units.h"
#include "runner/process/process_tree.h"

namespace wp::runner {
namespace {

// How often handlers are weighed: against a limit, and where it is only for the figures.
constexpr Millis kWeighAgainstLimit{1000};
constexpr Millis kWeighForFigures{5000};
// How long jobs are started before descriptors and timers get their turn.
constexpr Millis kStartSpell{20};

std::int64_t in_mib(std::int64_t bytes) {
  return bytes / (1024 * 1024);
}

}  // namespace

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
    const bool begun = !waiting_.empty();
    std::move(tasks->begin(), tasks->end(), std::back_inserter(waiting_));
    if (!begun) start_next();
  });
}

void HandlerLoop::start_next() {
  const Millis began = boot_now();
  while (!waiting_.empty()) {
    if (boot_now() - began >= kStartSpell) return loop_.post([this] { start_next(); });
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    if (std::string problem = schema_.problem_with(task.job.payload); !problem.empty()) {
      Ending rejected;
      rejected.epoch = task.job.epoch;
      rejected.verdict = Verdict::rejected;
      rejected.text = "SchemaMismatch: " + std::move(problem);
      events_.ended(std::move(rejected));
    } else {
      start_one(std::move(task));
    }
  }
}

void HandlerLoop::check(Schema schema) {
  loop_.post([this, schema = std::move(schema)] { schema_ = schema; });
}

void HandlerLoop::start_one(Task task) {
  const std::int64_t epoch = task.job.epoch;
  Running& running = running_[epoch];
  running.sign = boot_now();
  if (task.timeout.count() > 0) {
    running.limited = true;
    running.timeout = loop_.after(task.timeout, [this, epoch, timeout = task.timeout] {
      stop_running(epoch, {StopCause::timeout, kStopGrace,
                           "Timeout: stopped after " + format_duration(timeout)});
    });
  }
  handler_->start(std::move(task));
  watch();
}

void HandlerLoop::stop(std::vector<std::int64_t> epochs, const Stop& stop) {
  if (epochs.empty()) return;
  loop_.post([this, epochs = std::move(epochs), stop] {
    for (const std::int64_t epoch : epochs) stop_one(epoch, stop);
  });
}

void HandlerLoop::stop_one(std::int64_t epoch, const Stop& stop) {
  const auto it = std::find_if(waiting_.begin(), waiting_.end(),
                               [epoch](const Task& task) { return task.job.epoch == epoch; });
  if (it == waiting_.end()) return stop_running(epoch, stop);
  waiting_.erase(it);
  Ending ending = stopped_ending(stop);
  ending.epoch = epoch;
  events_.ended(std::move(ending));
}

void HandlerLoop::stop_running(std::int64_t epoch, const Stop& stop) {
  if (const auto it = running_.find(epoch); it != running_.end()) {
    const Millis force_at = boot_now() + stop.grace;
    it->second.force_at = std::min(it->second.force_at.value_or(force_at), force_at);
  }
  handler_->stop(epoch, stop);
}

void HandlerLoop::count_stuck() {
  const Millis now = boot_now();
  int stuck = 0;
  for (const auto& [epoch, running] : running_) {
    if (running.force_at && now - *running.force_at >= limits_.force_fails) ++stuck;
  }
  stuck_ = stuck;
}

void HandlerLoop::limit(const HandlerLimits& limits) {
  loop_.post([this, limits] {
    if (limits == limits_) return;
    limits_ = limits;
    handler_->replace_after(limits.max_jobs);
    for (EventLoop::TimerId* timer : {&progress_timer_, &memory_timer_}) {
      loop_.cancel(std::exchange(*timer, 0));
    }
    watch();
  });
}

void HandlerLoop::close(Millis grace) {
  const auto closed = std::make_shared<std::promise<void>>();
  loop_.post([this, grace, closed] { handler_->close(grace, [closed] { closed->set_value(); }); });
  (void)closed->get_future().wait_for(2 * grace);
}

void HandlerLoop::leases_hold_until(Millis boot_time, Millis grace) {
  lease_grace_ = grace.count();
  hold_until_ = boot_time.count();
}

// Each timer lives while something runs, and is set again when it fires.
void HandlerLoop::watch() {
  if (running_.empty()) return;
  if (lease_timer_ == 0) watch_leases();
  if (progress_timer_ == 0 && limits_.stall_timeout.count() > 0) {
    // No later than the limit itself: a short one is not to wait for a long interval.
    progress_timer_ = loop_.after(std::min(limits_.check_interval, limits_.stall_timeout),
                                  [this] { watch_progress(); });
  }
  if (memory_timer_ == 0) {
    memory_timer_ = loop_.after(limits_.max_memory > 0 ? kWeighAgainstLimit : kWeighForFigures,
                                [this] { watch_memory(); });
  }
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
  // Each timer comes by here until the last of them has ended.
  if (std::exchange(missed_, until) != until) {
    log::warn("no lease was renewed in time: the running jobs are stopped",
              {{"jobs", epochs.size()}});
  }
  for (const std::int64_t epoch : epochs) {
    stop_running(epoch, {StopCause::partition, Millis{lease_grace_.load()}, {}});
  }
}

void HandlerLoop::watch_progress() {
  progress_timer_ = 0;
  const Millis now = boot_now();
  std::vector<std::int64_t> stalled;
  for (const auto& [epoch, running] : running_) {
    if (!running.limited && now - running.sign >= limits_.stall_timeout) stalled.push_back(epoch);
  }
  for (const std::int64_t epoch : stalled) {
    stop_running(epoch, {StopCause::stalled, kStopGrace,
                         fmt::format("Stalled: no progress for {} (stallTimeout; a job that "
                                     "reports none needs a time-out of its own)",
                                     format_duration(limits_.stall_timeout))});
  }
  watch();
}

void HandlerLoop::watch_memory() {
  memory_timer_ = 0;
  count_stuck();
  const std::vector<HandlerProcess> processes = handler_->processes();
  std::vector<pid_t> leaders;
  for (const HandlerProcess& process : processes) leaders.push_back(process.leader);
  const auto sizes = session_memory(leaders);
  std::int64_t sum = 0;
  for (const HandlerProcess& process : processes) {
    const std::int64_t size = sizes.at(process.leader);
    sum += size;
    if (limits_.max_memory == 0 || size <= limits_.max_memory) continue;
    if (process.epoch != 0 && size > limits_.max_memory / 4 * 5) {
      // Memory is short by now: no time for politeness.
      stop_running(process.epoch,
                   {StopCause::memory, Millis{0},
                    fmt::format("MemoryLimit: its handler took {} MiB, more than 1.25 × {} MiB",
                                in_mib(size), in_mib(limits_.max_memory))});
    } else {
      handler_->wear_out(process.leader);
    }
  }
  memory_ = sum;
  memory_peak_ = std::max(memory_peak_.load(), sum);
  watch();
}

void HandlerLoop::ended(Ending ending) {
  if (const auto it = running_.find(ending.epoch); it != running_.end()) {
    loop_.cancel(it->second.timeout);
    running_.erase(it);
  }
  if (stuck_ > 0) count_stuck();
  events_.ended(std::move(ending));
}

void HandlerLoop::progressed(std::int64_t epoch, queue::Progress progress) {
  if (const auto it = running_.find(epoch); it != running_.end()) it->second.sign = boot_now();
  events_.progressed(epoch, std::move(progress));
}

}  // namespace wp::runner
