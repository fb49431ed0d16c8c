#include "tests/runner/sweep.h"

#include <algorithm>
#include <atomic>
#include <doctest/doctest.h>
#include <exception>
#include <signal.h>
#include <thread>

namespace wp::test {
namespace {

// A runner with a sanitizer takes a second of a core to start: fewer at once, longer leases, and
// every fourth point, another one for each shape and for each sanitizer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kAtOnce = 3;
constexpr int kSlower = 2;
constexpr std::size_t kStride = 4;
#else
constexpr int kAtOnce = 10;
constexpr int kSlower = 1;
constexpr std::size_t kStride = 1;
#endif
#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kFirst = 2;
#else
constexpr std::size_t kFirst = 0;
#endif
constexpr Millis kReached{60000};

std::string next_queue() {
  static std::atomic<int> made{0};
  return "row-" + std::to_string(++made);
}

std::vector<Shot> shots_of(const Point& point, const std::vector<int>& signals) {
  std::vector<Shot> shots = point.way;
  shots.push_back(point.at);
  if (point.network == Network::passes) shots.back().signals = signals;
  return shots;
}

}  // namespace

SweepRow::SweepRow(const RedisServer& redis, const Point& point, const Shape& shape,
                   std::vector<int> signals)
    : redis_(redis),
      point_(point),
      shape_(shape),
      signals_(std::move(signals)),
      lease_(shape.lease * kSlower),
      name_(next_queue()),
      queue_(redis, name_) {
  queue_.configure(lease_.count(), {{"max_payload", "1000000"},
                                    {"max_bytes", "100000000"},
                                    {"on_partition", shape.on_partition},
                                    {"drain_ms", "60000"}});
  enqueue();
  if (point.network != Network::passes) proxy_.emplace(redis::Address{"", 0, redis.socket()});
  plan_.emplace(shots_of(point, signals_), folder_ / "hits");
}

void SweepRow::enqueue() {
  std::vector<queue::NewJob> jobs(static_cast<std::size_t>(shape_.jobs));
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const bool quick = i == 0 && point_.quick;
    jobs[i].id = "job-" + std::to_string(i);
    if (shape_.builtin) {
      // Beyond the first beat, and beyond the time in which an answer to it is missed.
      const Millis first = quick ? Millis{1} : lease_ * 5 / 6;
      jobs[i].payload = std::to_string(i == 0 ? first.count() : 200) + "ms";
    } else {
      jobs[i].payload = quick ? "0" : kUntilLetGo;
      if (shape_.bytes > 0) {
        jobs[i].payload += " " + std::to_string(shape_.bytes) + "\n";
        jobs[i].payload.append(shape_.bytes, 'x');
      }
    }
    ids_.push_back(jobs[i].id);
  }
  (void)queue_->enqueue(jobs);
}

RunnerSetup SweepRow::setup(const std::string& pod) const {
  RunnerSetup made = ledger_runner(redis_.url(), folder_, shape_.slots, name_);
  if (shape_.builtin) {
    made.arguments = {"--handler", "sleep", "--concurrency", std::to_string(shape_.slots)};
  }
  made.environment["WP_WORKER_ID"] = pod;
  return made;
}

std::unique_ptr<RunnerProcess> SweepRow::next_runner() const {
  return std::make_unique<RunnerProcess>(setup(shape_.same_pod ? "struck" : "next"));
}

void SweepRow::strike() {
  RunnerSetup struck = setup("struck");
  if (proxy_) struck.redis_url = "unix://" + proxy_->endpoint().socket_path;
  struck.environment.merge(plan_->environment());
  runner_ = std::make_unique<RunnerProcess>(struck);
  const auto hits = [this](int count) {
    const bool there = eventually([&] { return plan_->hits() >= count; }, kReached, Millis{5});
    CAPTURE(plan_->hits());
    CAPTURE(runner_->log());
    REQUIRE_MESSAGE(there, "the point was not reached");
  };
  if (point_.ends_on_way) {
    hits(1);
    let_go();
  }
  hits(plan_->shots());
  if (proxy_) strike_by_network();
}

void SweepRow::strike_by_network() {
  const bool request = point_.network == Network::loses_request;
  proxy_->after(request ? Proxy::Way::request : Proxy::Way::reply, 0, Proxy::Fault::drop);
  plan_->let_go(plan_->shots() - 1);
  REQUIRE(eventually([this] { return proxy_->happened() == 1; }));
  for (const int number : signals_) runner_->signal(number);
  proxy_->heal();
}

std::vector<std::string> SweepRow::in_state(queue::JobState state) {
  std::vector<std::string> found;
  for (const std::string& id : ids_) {
    if (queue_->job(id).state == state) found.push_back(id);
  }
  return found;
}

void SweepRow::check_first(queue::JobState state) {
  queue::JobState now{};
  (void)eventually([&] { return (now = job(kFirstJob).state) == state; });
  CHECK(queue::to_string(now) == queue::to_string(state));
}

std::int64_t SweepRow::count(const std::string& stat) {
  return queue_->counts().stat[stat];
}

void SweepRow::check_handlers_gone() const {
  for (const Ledger::Execution& entry : Ledger(folder_).starts) {
    CAPTURE(entry.id);
    CHECK(eventually([&] { return gone(entry.pid); }));
  }
}

int SweepRow::stop_signals() const {
  const auto stops = [](const std::vector<int>& signals) {
    return static_cast<int>(std::count_if(signals.begin(), signals.end(), [](int number) {
      return number == SIGTERM || number == SIGINT;
    }));
  };
  int all = stops(signals_);
  for (const Shot& shot : point_.way) all += stops(shot.signals);
  return all;
}

void SweepRow::settle_books(int explained) {
  wait_idle(queue_);
  if (!shape_.builtin) {
    CHECK(Ledger(folder_).shorts.empty());  // a payload comes whole, or not at all
    return check_books(queue_, folder_, ids_, explained);
  }
  const queue::Counts counts = queue_->counts();
  CHECK(counts.done == static_cast<std::int64_t>(ids_.size()));
  CHECK(counts.stat.at("completed") == static_cast<std::int64_t>(ids_.size()));
  CHECK(queue_->check().empty());
}

Shape short_lease(Shape shape) {
  shape.lease = Millis{2000};
  shape.on_partition = "continue";
  return shape;
}

void sweep(const Shape& shape, const std::function<void(const Point&)>& row) {
  static std::atomic<std::size_t> sweeps{kFirst};
  std::atomic<std::size_t> next{sweeps++ % kStride};
  const auto work = [&] {
    for (std::size_t i = next.fetch_add(kStride); i < points().size();
         i = next.fetch_add(kStride)) {
      const Point& point = points()[i];
      if (shape.builtin && point.needs_process) continue;
      CAPTURE(shape.name);
      CAPTURE(point.name);
      try {
        row(point);
      } catch (const std::exception& e) {
        FAIL_CHECK(std::string(e.what()));
      } catch (...) {
        // An assertion that has reported itself ended this row; the others go on.
      }
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < kAtOnce; ++i) threads.emplace_back(work);
}

}  // namespace wp::test
