#include "operator/kube/events.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "operator/kube/event_series.h"

namespace wp::kube {
namespace {

const Resource kEvents{"events.k8s.io", "v1", "events"};
constexpr Millis kSweepInterval{60000};  // how late the final count of a series may be written

std::chrono::steady_clock::time_point time_point(Millis steady) {
  return std::chrono::steady_clock::time_point(steady);
}

}  // namespace

struct EventRecorder::Impl {
  Impl(const ClusterConfig& config, EventOptions wanted)
      : options(std::move(wanted)),
        client(config, options.client),
        series(options.controller, options.instance,
               {.window = options.series_window, .heartbeat = options.heartbeat}) {}

  const EventOptions options;
  Client client;
  EventSeries series;  // of the thread

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Event> queue;
  bool stopping = false;    // the queue is sent, then the thread ends
  bool abandoning = false;  // the thread ends now
  bool ended = false;
  std::jthread thread;

  void run();
  void send(EventWrite write);
  bool try_send(const EventWrite& write, bool& gone);
  void count(const char* result) const;
};

void EventRecorder::Impl::count(const char* result) const {
  if (options.metrics == nullptr) return;
  options.metrics
      ->counter("events_total", "Kubernetes events by what became of them.", {{"result", result}})
      .Increment();
}

void EventRecorder::Impl::run() {
  const Clock& clock = system_clock();
  Millis next_sweep = clock.steady() + kSweepInterval;
  while (true) {
    std::vector<EventWrite> writes;
    {
      std::unique_lock lock(mutex);
      changed.wait_until(lock, time_point(next_sweep),
                         [this] { return !queue.empty() || stopping || abandoning; });
      if (abandoning || (stopping && queue.empty())) {
        ended = true;
        changed.notify_all();
        return;
      }
      const Millis now = clock.steady();
      if (!queue.empty()) {
        const Event event = std::move(queue.front());
        queue.pop_front();
        writes = series.seen(event, now, clock.wall());
      } else if (now >= next_sweep) {
        next_sweep = now + kSweepInterval;
        writes = series.sweep(now);
      }
    }
    for (EventWrite& write : writes) send(std::move(write));
  }
}

void EventRecorder::Impl::send(EventWrite write) {
  for (int attempt = 1; attempt <= options.attempts; ++attempt) {
    bool gone = false;
    if (try_send(write, gone)) {
      count("sent");
      return;
    }
    if (gone) {
      // The event expired on the server (they live an hour); what goes on deserves a new one.
      auto fresh = series.restart(write, system_clock().wall());
      if (!fresh) return;
      write = std::move(*fresh);
      continue;
    }
    const auto spread = static_cast<std::uint64_t>(options.retry_delay.count() / 2 + 1);
    const Millis delay =
        options.retry_delay * 3 / 4 + Millis{static_cast<std::int64_t>(random_u64() % spread)};
    std::unique_lock lock(mutex);
    if (changed.wait_for(lock, delay, [this] { return abandoning || stopping; })) break;
  }
  count("failed");
}

/// True when there is nothing left to do for this write: it was accepted or refused for good.
bool EventRecorder::Impl::try_send(const EventWrite& write, bool& gone) {
  try {
    if (write.create) {
      client.create(resource_path(kEvents, write.ns), write.body);
    } else {
      client.patch(resource_path(kEvents, write.ns, write.name), PatchType::merge, write.body);
    }
    return true;
  } catch (const KubeError& error) {
    if (!write.create && error.is_not_found()) {
      gone = true;
      return false;
    }
    // A lost answer to a creation: the name is ours, so the event is there.
    if (write.create && error.is_already_exists()) return true;
    if (error.retryable()) return false;
    if (error.transport() != Transport::stopped && !error.is_namespace_terminating()) {
      log::warn("an event was refused", {{"class", error.error_class()}, {"error", error.what()}});
    }
    count("refused");
    return true;
  }
}

EventRecorder::EventRecorder(const ClusterConfig& config, EventOptions options)
    : impl_(std::make_unique<Impl>(config, std::move(options))) {
  for (const char* result : {"sent", "refused", "failed", "dropped"}) {
    if (impl_->options.metrics != nullptr) {
      impl_->options.metrics->counter("events_total", "Kubernetes events by what became of them.",
                                      {{"result", result}});
    }
  }
  impl_->thread = std::jthread([impl = impl_.get()] { impl->run(); });
}

EventRecorder::~EventRecorder() {
  stop(Millis{0});
}

void EventRecorder::emit(Event event) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->stopping && impl_->queue.size() < impl_->options.queue_limit) {
      impl_->queue.push_back(std::move(event));
      impl_->changed.notify_all();
      return;
    }
  }
  impl_->count("dropped");
}

void EventRecorder::stop(Millis flush) {
  {
    std::unique_lock lock(impl_->mutex);
    impl_->stopping = true;
    impl_->changed.notify_all();
    impl_->changed.wait_for(lock, flush, [this] { return impl_->ended; });
    impl_->abandoning = true;
    impl_->changed.notify_all();
  }
  impl_->client.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace wp::kube
