#include "operator/kube/reflector_loop.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <malloc.h>
#include <mutex>
#include <thread>
#include <utility>

#include "base/backoff.h"
#include "base/ids.h"
#include "base/log.h"
#include "operator/kube/document.h"
#include "operator/kube/line_splitter.h"
#include "operator/kube/watch.h"

namespace wp::kube {
namespace {

constexpr Millis kMaxAsked{300000};  // a longer Retry-After is taken for a mistake

}  // namespace

struct ReflectorLoop::Impl {
  Impl(const ClusterConfig& config, ReflectorOptions wanted, ReflectorSink target)
      : options(std::move(wanted)),
        sink(std::move(target)),
        client(config, options.client),
        backoff({.initial = options.timings.backoff_initial,
                 .max = options.timings.backoff_max,
                 .jitter_percent = 100}) {
    const std::string selectors = selector_query(options.selectors);
    base = options.collection_path + "?" + (selectors.empty() ? "" : selectors + "&");
  }

  const ReflectorOptions options;
  const ReflectorSink sink;
  Client client;
  std::string base;  // the path, "?" and the selectors

  // Of the loop's thread.
  WatchMachine machine;
  Backoff backoff;
  Millis last_failure{0};

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool stopping = false;
  bool synced = false;
  std::string problem;  // empty: none
  std::atomic<Millis::rep> last_heard{0};
  std::jthread thread;  // last: uses everything above

  void run();
  Next list(const Next& what);
  Next watch(const Next& what);
  Next take(Said said);
  void deliver(WatchEvent event);
  void heard();
  void note(const Next& next);
  bool wait_before(const Next& next);
  void count(const char* name, const char* help, const metrics::Labels& extra = {}) const;
};

void ReflectorLoop::Impl::count(const char* name, const char* help,
                                const metrics::Labels& extra) const {
  if (options.metrics == nullptr) return;
  metrics::Labels labels = extra;
  labels["name"] = options.name;
  options.metrics->counter(name, help, labels).Increment();
}

void ReflectorLoop::Impl::heard() {
  last_heard = system_clock().steady().count();
}

// One object that cannot be handled must not cost all the others.
void ReflectorLoop::Impl::deliver(WatchEvent event) {
  struct Deliver {
    const ReflectorSink& sink;
    void operator()(const ReplaceBegun&) const { sink.begin_replace(); }
    void operator()(const ReplaceItem& item) const {
      if (const std::string key = key_of(item.object); !key.empty()) {
        sink.add_to_replace(key, item.object);
      }
    }
    void operator()(const ReplaceEnded&) const { sink.end_replace(); }
    void operator()(const Applied& applied) const {
      if (const std::string key = key_of(applied.object); !key.empty()) {
        sink.apply(key, applied.object);
      }
    }
    void operator()(const Removed& removed) const {
      if (const std::string key = key_of(removed.object); !key.empty()) sink.remove(key);
    }
  };
  try {
    std::visit(Deliver{sink}, event);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    count("reflector_object_errors_total", "Objects that could not be handled.");
    log::error("an object could not be handled",
               {{"reflector", options.name}, {"error", error.what()}});
  }
}

Next ReflectorLoop::Impl::take(Said said) {
  WatchMachine::Step step = machine.step(std::move(said));
  bool complete = false;
  for (WatchEvent& event : step.events) {
    complete = complete || std::holds_alternative<ReplaceEnded>(event);
    deliver(std::move(event));
  }
  if (complete) {
    // What the pages took is not needed again for hours.
    malloc_trim(0);
    const std::lock_guard lock(mutex);
    synced = true;
    changed.notify_all();
  }
  note(step.next);
  return std::move(step.next);
}

// What failing() and the log say. A stopped client's errors are no news.
void ReflectorLoop::Impl::note(const Next& next) {
  const std::lock_guard lock(mutex);
  if (!next.problem) {
    problem.clear();
    return;
  }
  if (stopping) return;
  // The class, not the text, decides on a new line: a text may hold what differs each time.
  if (problem != next.problem_class) {
    log::warn(
        "list or watch failed",
        {{"reflector", options.name}, {"class", next.problem_class}, {"error", *next.problem}});
  }
  problem = next.problem_class;
  count("reflector_failures_total", "Lists and watches that failed.",
        {{"class", next.problem_class}});
}

Next ReflectorLoop::Impl::list(const Next& what) {
  std::string path = base;
  if (what.paged) path += "limit=" + std::to_string(options.timings.page_size);
  if (!what.continue_token.empty()) path += "&continue=" + url_encode(what.continue_token);
  try {
    count("reflector_lists_total", "Lists begun or continued.");
    nlohmann::json document = client.get(path);
    heard();
    return take(ListAnswered{std::move(document)});
  } catch (const KubeError& error) {
    return take(RequestFailed{error});
  }
}

Next ReflectorLoop::Impl::watch(const Next& what) {
  const WatchTimings& timings = options.timings;
  const auto spread = static_cast<std::uint64_t>(timings.watch_timeout.count() / 10 + 1);
  const Millis timeout =
      timings.watch_timeout - Millis{static_cast<std::int64_t>(random_u64() % spread)};
  const std::int64_t seconds = std::max<std::int64_t>(1, timeout.count() / 1000);
  const std::string path =
      base + "watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(seconds) +
      "&resourceVersion=" + url_encode(what.resource_version);

  const Millis begin = system_clock().steady();
  bool brought_something = false;
  std::optional<Next> decided;  // by an event that ends the stream
  LineSplitter lines;
  const auto on_line = [&](std::string_view line) {
    brought_something = true;
    Next next = take(WatchLine{nlohmann::json::parse(line, nullptr, false)});
    if (next.what == Next::Do::read) return true;
    decided = std::move(next);
    return false;
  };
  const auto on_data = [&](std::string_view chunk) {
    heard();
    const LineSplitter::Fed fed = lines.feed(chunk, on_line);
    if (fed == LineSplitter::Fed::too_long) decided = take(WatchLine{});
    return fed == LineSplitter::Fed::more;
  };
  try {
    count("reflector_watches_total", "Watches opened.");
    client.stream(path, {.on_data = on_data,
                         .on_open =
                             [this] {
                               heard();
                               note({});
                             },
                         .idle_timeout = timeout + timings.idle_margin,
                         .total_timeout = timeout + timings.idle_margin});
    heard();
  } catch (const KubeError& error) {
    // An answer with a code, or no connection: the watch was never open. A stream that broke or
    // fell silent is like one that ended: what came is valid, and the rest is still to be had.
    const bool was_open =
        error.transport() == Transport::broken || error.transport() == Transport::timeout;
    if (!decided && !was_open) return take(RequestFailed{error});
  }
  if (decided) return std::move(*decided);
  const Millis lasted = system_clock().steady() - begin;
  return take(WatchEnded{.very_short = !brought_something && lasted < timings.short_watch});
}

// False when the loop is to end.
bool ReflectorLoop::Impl::wait_before(const Next& next) {
  Millis wait{0};
  if (next.back_off) {
    const Millis now = system_clock().steady();
    if (now - last_failure > options.timings.backoff_reset) backoff.reset();
    last_failure = now;
    const Millis asked = std::min(kMaxAsked, next.at_least.value_or(Millis{0}));
    wait = std::max(backoff.next(random_u64()), asked);
  }
  std::unique_lock lock(mutex);
  if (wait > Millis{0}) changed.wait_for(lock, wait, [this] { return stopping; });
  return !stopping;
}

void ReflectorLoop::Impl::run() {
  Next next = machine.start();
  while (wait_before(next)) {
    next = next.what == Next::Do::list ? list(next) : watch(next);
  }
}

ReflectorLoop::ReflectorLoop(const ClusterConfig& config, ReflectorOptions options,
                             ReflectorSink sink)
    : impl_(std::make_unique<Impl>(config, std::move(options), std::move(sink))) {}

ReflectorLoop::~ReflectorLoop() {
  stop();
}

void ReflectorLoop::start() {
  impl_->thread = std::jthread([impl = impl_.get()] { impl->run(); });
}

void ReflectorLoop::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->changed.notify_all();
  }
  impl_->client.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

bool ReflectorLoop::synced() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->synced;
}

bool ReflectorLoop::wait_synced(Millis timeout) const {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait_for(lock, timeout, [this] { return impl_->synced || impl_->stopping; });
  return impl_->synced;
}

std::optional<std::string> ReflectorLoop::failing() const {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->problem.empty()) return impl_->options.name + ": " + impl_->problem;
  if (!impl_->synced) return impl_->options.name + ": not synced";
  return std::nullopt;
}

Millis ReflectorLoop::last_heard() const {
  return Millis{impl_->last_heard.load()};
}

}  // namespace wp::kube
