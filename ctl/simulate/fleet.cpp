#include "ctl/simulate/fleet.h"

#include <algorithm>
#include <tuple>

namespace wp::simulate {

void Fleet::enter(int number) {
  const Worker& worker = workers_[static_cast<std::size_t>(number)];
  switch (worker.phase) {
    case Phase::starting:
      ++count_.starting;
      break;
    case Phase::ready:
      ++count_.ready;
      count_.busy += worker.running > 0 ? 1 : 0;
      count_.running_serving += worker.running;
      if (!worker.free_since.empty()) free_.emplace(worker.free_since.front(), number);
      break;
    case Phase::draining:
      ++count_.draining;
      break;
    case Phase::gone:
      break;
  }
}

void Fleet::leave(int number) {
  const Worker& worker = workers_[static_cast<std::size_t>(number)];
  switch (worker.phase) {
    case Phase::starting:
      --count_.starting;
      break;
    case Phase::ready:
      --count_.ready;
      count_.busy -= worker.running > 0 ? 1 : 0;
      count_.running_serving -= worker.running;
      if (!worker.free_since.empty()) free_.erase({worker.free_since.front(), number});
      break;
    case Phase::draining:
      --count_.draining;
      break;
    case Phase::gone:
      break;
  }
}

int Fleet::create(Micros now) {
  Worker worker;
  worker.created = now;
  workers_.push_back(std::move(worker));
  const int number = created() - 1;
  alive_.push_back(number);
  enter(number);
  return number;
}

bool Fleet::make_ready(int number, Micros now) {
  Worker& worker = workers_[static_cast<std::size_t>(number)];
  if (worker.phase != Phase::starting) return false;
  leave(number);
  worker.phase = Phase::ready;
  worker.free_since.assign(static_cast<std::size_t>(slots_), now);
  enter(number);
  return true;
}

int Fleet::take_slot() {
  if (free_.empty()) return -1;
  const int number = free_.begin()->second;
  Worker& worker = workers_[static_cast<std::size_t>(number)];
  leave(number);
  worker.free_since.pop_front();
  ++worker.running;
  enter(number);
  return number;
}

void Fleet::free_slot(int number, Micros now) {
  Worker& worker = workers_[static_cast<std::size_t>(number)];
  leave(number);
  --worker.running;
  worker.last_used = now;
  worker.free_since.push_back(now);
  enter(number);
  if (worker.phase == Phase::draining && worker.running == 0) end(number, now);
}

int Fleet::call_back(int most) {
  int called = 0;
  for (; called < most && !draining_.empty(); ++called) {
    const int number = draining_.back();
    draining_.pop_back();
    leave(number);
    workers_[static_cast<std::size_t>(number)].phase = Phase::ready;
    enter(number);
  }
  return called;
}

std::vector<int> Fleet::send_away(int workers, Choice choice, Micros now) {
  std::vector<std::tuple<int, int, int>> order;  // rank, jobs, newest first
  for (const int number : alive_) {
    const Worker& worker = workers_[static_cast<std::size_t>(number)];
    if (worker.phase == Phase::draining) continue;
    const int jobs = choice == Choice::idle_first ? worker.running : 0;
    order.emplace_back(worker.phase == Phase::starting ? 0 : 1, jobs, -number);
  }
  std::sort(order.begin(), order.end());
  const auto most = std::min(order.size(), static_cast<std::size_t>(std::max(0, workers)));
  std::vector<int> draining;
  for (std::size_t i = 0; i < most; ++i) {
    const int number = -std::get<2>(order[i]);
    Worker& worker = workers_[static_cast<std::size_t>(number)];
    if (worker.running == 0) {
      end(number, now);
      continue;
    }
    leave(number);
    worker.phase = Phase::draining;
    draining_.push_back(number);
    draining.push_back(number);
    enter(number);
  }
  return draining;
}

bool Fleet::kill(int number, Micros now) {
  if (workers_[static_cast<std::size_t>(number)].phase != Phase::draining) return false;
  workers_[static_cast<std::size_t>(number)].last_used = now;
  end(number, now);
  return true;
}

void Fleet::end(int number, Micros now) {
  Worker& worker = workers_[static_cast<std::size_t>(number)];
  leave(number);
  worker.phase = Phase::gone;
  worker.ended = now;
  alive_.erase(std::lower_bound(alive_.begin(), alive_.end(), number));
  std::erase(draining_, number);
}

Micros Fleet::lifetime(Micros end) const {
  Micros total{0};
  for (const Worker& worker : workers_) {
    const Micros last = std::max(end, worker.last_used);
    const Micros ended = worker.phase == Phase::gone ? std::min(worker.ended, last) : last;
    total += std::max(Micros{0}, ended - worker.created);
  }
  return total;
}

}  // namespace wp::simulate
