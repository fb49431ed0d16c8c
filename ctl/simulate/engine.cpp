#include "ctl/simulate/engine.h"

#include <algorithm>
#include <deque>
#include <queue>
#include <stdexcept>
#include <tuple>

#include "ctl/simulate/fleet.h"
#include "ctl/simulate/random.h"

namespace wp::simulate {
namespace {

Millis to_millis(Micros time) {
  return std::chrono::duration_cast<Millis>(time);
}

enum class Kind { finished, ready, killed };

struct Event {
  Micros at{0};
  Kind kind = Kind::finished;
  std::uint64_t number = 0;  // makes the order of equal ones the order in which they were made
  int worker = 0;
  std::size_t job = 0;
  int attempt = 0;  // of the job: the end of one that was cut short never comes

  auto key() const { return std::tuple(at, kind, number); }
  bool operator>(const Event& other) const { return key() > other.key(); }
};

class Play {
 public:
  Play(const Load& load, Sizer& sizer, const Surroundings& surroundings)
      : load_(load),
        sizer_(sizer),
        around_(surroundings),
        fleet_(surroundings.concurrency),
        delays_(surroundings.seed) {
    outcome_.waits.resize(load.jobs.size());
    outcome_.sojourns.resize(load.jobs.size());
    outcome_.starts.resize(load.jobs.size());
    running_on_.assign(load.jobs.size(), -1);
  }

  Outcome run() {
    const Micros end = load_.last_arrival() + around_.tail;
    Micros tick{0};
    while (tick <= end || unfinished()) {
      // What happens at the moment of a snapshot is in it.
      while (next_event() <= tick || next_arrival() <= tick) step();
      decide(tick);
      give_up_when_stuck(tick);
      tick += around_.snapshot;
    }
    outcome_.worker_time = fleet_.lifetime(end);
    outcome_.started = fleet_.created();
    return std::move(outcome_);
  }

 private:
  static constexpr Micros kNever = Micros::max();

  bool unfinished() const { return completed_ < static_cast<std::int64_t>(load_.jobs.size()); }
  Micros next_event() const { return events_.empty() ? kNever : events_.top().at; }
  Micros next_arrival() const {
    return arrived_ < load_.jobs.size() ? load_.jobs[arrived_].arrival : kNever;
  }

  // A policy that asks for nobody would be asked for ever.
  void give_up_when_stuck(Micros tick) const {
    constexpr Micros kPatience = std::chrono::hours{24};
    if (!unfinished() || !events_.empty() || next_arrival() != kNever) return;
    if (tick - load_.last_arrival() < kPatience || tick - last_event_ < kPatience) return;
    throw std::runtime_error(
        "jobs wait, and for a day of the load's time nobody was asked for to run them");
  }

  void step() {
    // An end before an arrival of the same moment: the slot is free for it.
    if (next_arrival() < next_event()) {
      waiting_.push_back(arrived_);
      now_ = load_.jobs[arrived_++].arrival;
    } else {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      switch (event.kind) {
        case Kind::finished:
          finish(event);
          break;
        case Kind::ready:
          became_ready(event);
          break;
        case Kind::killed:
          kill(event.worker);
          break;
      }
    }
    last_event_ = now_;
    start_jobs();
  }

  void finish(const Event& event) {
    if (event.attempt != outcome_.starts[event.job] || running_on_[event.job] < 0) return;
    running_on_[event.job] = -1;
    fleet_.free_slot(event.worker, now_);
    ++completed_;
    --running_;
    busy_ += load_.jobs[event.job].service;
    outcome_.sojourns[event.job] = now_ - load_.jobs[event.job].arrival;
  }

  // Its jobs begin anew, before those that came later.
  void kill(int worker) {
    if (!fleet_.kill(worker, now_)) return;
    for (std::size_t job = load_.jobs.size(); job-- > 0;) {
      if (running_on_[job] != worker) continue;
      running_on_[job] = -1;
      waiting_.insert(std::lower_bound(waiting_.begin(), waiting_.end(), job), job);
      ++outcome_.interrupted;
      --running_;
    }
  }

  void became_ready(const Event& event) {
    if (!fleet_.make_ready(event.worker, now_)) return;
    started_in_.push_back(to_millis(delay_of_[static_cast<std::size_t>(event.worker)]));
  }

  void start_jobs() {
    while (!waiting_.empty() && (around_.max_active == 0 || running_ < around_.max_active)) {
      const int worker = fleet_.take_slot();
      if (worker < 0) return;
      const std::size_t job = waiting_.front();
      waiting_.pop_front();
      if (outcome_.starts[job]++ == 0) outcome_.waits[job] = now_ - load_.jobs[job].arrival;
      ++started_;
      ++running_;
      running_on_[job] = worker;
      events_.push({now_ + load_.jobs[job].service, Kind::finished, made_++, worker, job,
                    outcome_.starts[job]});
    }
  }

  scaling::Snapshot observe(Micros tick) {
    const Fleet::Count& count = fleet_.count();
    scaling::Demand demand;
    demand.waiting = static_cast<std::int64_t>(waiting_.size());
    demand.active_all = running_;
    demand.active_serving = count.running_serving;
    demand.counters = scaling::Counters{started_, completed_, 0, to_millis(busy_).count()};
    scaling::Snapshot snapshot;
    snapshot.now = to_millis(tick);
    snapshot.demand = demand;
    snapshot.current = count.asked_for();
    snapshot.workers.starting = count.starting;
    snapshot.workers.ready = count.ready;
    snapshot.workers.busy = count.busy;
    snapshot.workers.serving_slots = count.ready * around_.concurrency;
    snapshot.workers.retiring = count.draining;
    snapshot.workers.leaving_busy = count.draining;
    snapshot.started_in.swap(started_in_);
    return snapshot;
  }

  void decide(Micros tick) {
    now_ = tick;
    const int before = fleet_.count().asked_for();
    const int after = sizer_.size(observe(tick));
    if (after != before) ++outcome_.scale_operations;
    if (after > before) {
      sizer_.grown(to_millis(tick), grow(after - before));
    } else if (after < before) {
      send_away(before - after);
    }
    start_jobs();  // on those that were called back
    const Fleet::Count& count = fleet_.count();
    outcome_.peak = std::max(outcome_.peak, count.existing());
    outcome_.samples.push_back(
        {tick, static_cast<int>(waiting_.size()), running_, count.existing()});
  }

  void send_away(int workers) {
    const auto choice = around_.grace ? Fleet::Choice::newest : Fleet::Choice::idle_first;
    for (const int worker : fleet_.send_away(workers, choice, now_)) {
      if (around_.grace) events_.push({now_ + *around_.grace, Kind::killed, made_++, worker});
    }
  }

  // Answers how many of them are new.
  int grow(int by) {
    const int created = around_.call_back ? by - fleet_.call_back(by) : by;
    for (int i = 0; i < created; ++i) {
      const Micros delay =
          around_.start_fixed + from_seconds(delays_.exponential(to_seconds(around_.start_random)));
      const int worker = fleet_.create(now_);
      delay_of_.push_back(delay);
      events_.push({now_ + delay, Kind::ready, made_++, worker});
    }
    return created;
  }

  const Load& load_;
  Sizer& sizer_;
  const Surroundings& around_;
  Fleet fleet_;
  Random delays_;
  Outcome outcome_;

  Micros now_{0};
  Micros last_event_{0};
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t made_ = 0;
  std::size_t arrived_ = 0;
  std::deque<std::size_t> waiting_;  // jobs, by arrival
  std::vector<int> running_on_;      // of every job: its worker, or -1
  int running_ = 0;
  std::int64_t started_ = 0;
  std::int64_t completed_ = 0;
  Micros busy_{0};                  // of the jobs that ended
  std::vector<Micros> delay_of_;    // of each worker
  std::vector<Millis> started_in_;  // since the last snapshot
};

}  // namespace

Outcome play(const Load& load, Sizer& sizer, const Surroundings& surroundings) {
  return Play(load, sizer, surroundings).run();
}

Outcome play_oracle(const Load& load, const Surroundings& surroundings) {
  Outcome outcome;
  outcome.waits.assign(load.jobs.size(), Micros{0});
  outcome.starts.assign(load.jobs.size(), 1);
  for (const Job& job : load.jobs) outcome.sojourns.push_back(job.service);
  std::vector<std::pair<Micros, int>> changes;  // of the running jobs; ends first
  for (const Job& job : load.jobs) {
    changes.emplace_back(job.arrival, 1);
    changes.emplace_back(job.arrival + job.service, -1);
  }
  std::sort(changes.begin(), changes.end());
  const auto workers_for = [&](int jobs) {
    return (jobs + surroundings.concurrency - 1) / surroundings.concurrency;
  };
  int running = 0;
  Micros before{0};
  Micros sample{0};
  for (const auto& [at, change] : changes) {
    for (; sample < at; sample += surroundings.snapshot) {
      outcome.samples.push_back({sample, 0, running, workers_for(running)});
    }
    outcome.worker_time += workers_for(running) * (at - before);
    before = at;
    running += change;
    outcome.peak = std::max(outcome.peak, workers_for(running));
  }
  return outcome;
}

}  // namespace wp::simulate
