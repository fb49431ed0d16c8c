#include "operator/workload/worker_set.h"

#include <algorithm>
#include <utility>

namespace wp::workload {
namespace {

constexpr Millis kSteadyAfter{10000};  // having lived so long, the next failure is a first one

}  // namespace

WorkerSet::WorkerSet(std::string pool_name, Millis grace, std::function<std::string()> chance)
    : pool_name_(std::move(pool_name)), grace_(grace), chance_(std::move(chance)) {}

void WorkerSet::resize(int replicas, const std::vector<std::string>& victims, Now now) {
  int surplus = this->replicas() - replicas;
  for (; surplus < 0; ++surplus) add(now);
  for (const std::string& uid : victims) {
    Slot* slot = surplus > 0 ? find(uid) : nullptr;
    if (slot == nullptr || slot->leaving) continue;
    dismiss(*slot, now);
    --surplus;
  }
  for (auto slot = slots_.rbegin(); surplus > 0 && slot != slots_.rend(); ++slot) {
    if (slot->leaving) continue;
    dismiss(*slot, now);
    --surplus;
  }
  drop_what_never_ran();
}

// A place whose process does not run has nobody to say goodbye to.
void WorkerSet::drop_what_never_ran() {
  std::erase_if(slots_, [](const Slot& slot) {
    return slot.leaving && slot.phase == Phase::waiting && !slot.ordered;
  });
}

bool WorkerSet::mark(const std::string& uid, bool marked) {
  Slot* slot = find(uid);
  if (slot == nullptr || slot->leaving) return false;
  return std::exchange(slot->marked, marked) != marked;
}

Witness WorkerSet::witness() const {
  Witness made{.current = true};
  for (const Slot& slot : slots_) {
    if (slot.leaving) continue;
    ++made.existing;
    made.marked += slot.marked ? 1 : 0;
    made.ready += slot.ready ? 1 : 0;
  }
  return made;
}

bool WorkerSet::replace(const std::string& uid, Now now) {
  Slot* slot = find(uid);
  if (slot == nullptr || slot->leaving) return false;
  dismiss(*slot, now);
  drop_what_never_ran();
  add(now);
  return true;
}

int WorkerSet::replicas() const {
  return static_cast<int>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.leaving; }));
}

WorkerSet::Todo WorkerSet::due(Millis steady) {
  Todo todo;
  for (Slot& slot : slots_) {
    if (slot.phase == Phase::waiting) {
      if (slot.ordered || slot.start_at > steady) continue;
      slot.ordered = true;
      todo.start.push_back(slot.uid);
    } else if (slot.leaving && !slot.ordered) {
      slot.ordered = true;
      todo.terminate.push_back(slot.uid);
    } else if (slot.leaving && !slot.killed && slot.kill_at <= steady) {
      slot.killed = true;
      todo.kill.push_back(slot.uid);
    }
  }
  return todo;
}

Millis WorkerSet::next_deadline() const {
  Millis next = kNever;
  for (const Slot& slot : slots_) {
    if (slot.phase == Phase::waiting) {
      if (!slot.ordered) next = std::min(next, slot.start_at);
    } else if (slot.leaving) {
      if (!slot.ordered) return Millis{0};
      if (!slot.killed) next = std::min(next, slot.kill_at);
    }
  }
  return next;
}

void WorkerSet::started(const std::string& uid, int pid, Millis steady) {
  Slot* slot = find(uid);
  if (slot == nullptr) return;
  if (slot->pid != 0) ++slot->restarts;
  slot->pid = pid;
  slot->phase = Phase::running;
  slot->ordered = false;
  slot->started = steady;
  slot->why.clear();
}

void WorkerSet::ended(const std::string& uid, Millis steady, const std::string& why,
                      int exit_code) {
  Slot* slot = find(uid);
  if (slot == nullptr) return;
  if (slot->leaving) {
    std::erase_if(slots_, [&](const Slot& one) { return one.uid == uid; });
    return;
  }
  if (slot->phase == Phase::running && steady - slot->started >= kSteadyAfter) {
    slot->backoff.reset();
  }
  slot->phase = Phase::waiting;
  slot->ordered = false;
  slot->ready = false;
  slot->ready_since = Millis{0};
  slot->exit_code = exit_code;
  slot->start_at = steady + slot->backoff.next(0);
  slot->why = why;
}

std::vector<WorkerPod> WorkerSet::pods(const std::function<bool(const std::string&)>& registered,
                                       Millis wall) {
  std::vector<WorkerPod> out;
  for (Slot& slot : slots_) {
    const bool running = slot.phase == Phase::running;
    if (running && !slot.ready && registered(slot.uid)) {
      slot.ready = true;
      slot.ready_since = wall;
    }
    WorkerPod pod;
    pod.name = slot.name;
    pod.uid = slot.uid;
    pod.created = slot.created;
    pod.running = running;
    pod.ready = slot.ready;
    pod.ready_since = slot.ready_since;
    pod.terminating = slot.leaving;
    pod.marked = slot.marked;
    pod.waiting = slot.why;
    if (slot.pid != 0) pod.container = "pid-" + std::to_string(slot.pid);
    pod.restarts = slot.restarts;
    pod.container_running = running;
    pod.exit_code = slot.exit_code;
    out.push_back(std::move(pod));
  }
  return out;
}

std::string WorkerSet::name_of(const std::string& uid) const {
  const Slot* slot = find(uid);
  return slot != nullptr ? slot->name : "";
}

int WorkerSet::number_of(const std::string& uid) const {
  const Slot* slot = find(uid);
  return slot != nullptr ? slot->number : 0;
}

WorkerSet::Slot* WorkerSet::find(const std::string& uid) {
  return const_cast<Slot*>(static_cast<const WorkerSet*>(this)->find(uid));
}

const WorkerSet::Slot* WorkerSet::find(const std::string& uid) const {
  const auto it =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.uid == uid; });
  return it != slots_.end() ? &*it : nullptr;
}

void WorkerSet::add(Now now) {
  Slot slot;
  slot.number = free_number();
  slot.name = pool_name_ + "-" + std::to_string(slot.number);
  slot.uid = slot.name + "-" + chance_();
  slot.created = now.wall;
  slot.start_at = now.steady;
  slots_.push_back(std::move(slot));
}

void WorkerSet::dismiss(Slot& slot, Now now) {
  slot.leaving = true;
  slot.kill_at = now.steady + grace_;
  if (slot.phase == Phase::running) slot.ordered = false;
}

int WorkerSet::free_number() const {
  for (int number = 1;; ++number) {
    if (std::none_of(slots_.begin(), slots_.end(),
                     [&](const Slot& slot) { return slot.number == number; })) {
      return number;
    }
  }
}

}  // namespace wp::workload
