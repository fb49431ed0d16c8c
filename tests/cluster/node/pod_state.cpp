#include "tests/cluster/node/pod_state.h"

#include <algorithm>
#include <utility>

namespace wp::testnode {
namespace {

using Phase = Container::Phase;

constexpr Millis kNever = Millis::max();

}  // namespace

PodState::PodState(const PodSpec& spec, const Timing& timing, Moment now)
    : spec_(spec), timing_(timing), begun_(now.wall) {
  for (const ContainerSpec& container : spec.containers) {
    Container state{.backoff = Backoff(timing.backoff)};
    state.starts = container.earlier_starts;
    state.reason = spec.containers.front().kind == ContainerKind::main ? "ContainerCreating"
                                                                       : "PodInitializing";
    containers_.push_back(std::move(state));
  }
}

bool PodState::wants_start(std::size_t container) const {
  return containers_[container].phase == Phase::starting;
}

void PodState::started(std::size_t container, std::string id, Moment now) {
  Container& state = containers_[container];
  state.phase = Phase::running;
  state.reason.clear();
  state.message.clear();
  state.retry_at.reset();
  state.started = now;
  state.ready = false;
  state.asked_to_end = false;
  state.killed = false;
  ++state.starts;
  state.id = std::move(id);
}

void PodState::start_failed(std::size_t container, std::string id, const std::string& message,
                            Moment now) {
  started(container, std::move(id), now);
  end(container, {.exit_code = 128, .reason = "StartError", .message = message}, now);
}

void PodState::refused(std::size_t container, std::string reason, std::string message, bool retry,
                       Moment now) {
  Container& state = containers_[container];
  state.phase = Phase::waiting;
  state.reason = std::move(reason);
  state.message = std::move(message);
  state.retry_at = retry ? now.steady + state.backoff.next(0) : kNever;
}

void PodState::skipped(std::size_t container, std::string id, Moment now) {
  started(container, std::move(id), now);
  end(container, {.exit_code = 0, .reason = "Completed", .message = "skipped"}, now);
}

void PodState::exited(std::size_t container, Exit exit, Moment now) {
  if (containers_[container].phase != Phase::running) return;
  Termination how;
  how.exit_code = exit.signal != 0 ? 128 + exit.signal : exit.code;
  how.signal = exit.signal;
  how.reason = how.exit_code == 0 ? "Completed" : "Error";
  end(container, std::move(how), now);
}

void PodState::end(std::size_t index, Termination how, Moment now) {
  Container& state = containers_[index];
  how.started = state.started.wall;
  how.finished = now.wall;
  how.container_id = state.id;
  state.ready = false;
  if (stopping() || !restarts(index, how.exit_code)) {
    state.phase = Phase::terminated;
    state.ended = std::move(how);
    return;
  }
  if (now.steady - state.started.steady >= timing_.backoff_reset) state.backoff.reset();
  const Millis wait = state.backoff.next(0);
  state.phase = Phase::waiting;
  state.reason = "CrashLoopBackOff";
  state.message = "starts again after " + std::to_string(wait.count()) + " ms";
  state.retry_at = now.steady + wait;
  state.previous = std::move(how);
}

bool PodState::restarts(std::size_t index, int exit_code) const {
  switch (spec_.containers[index].kind) {
    case ContainerKind::sidecar:
      return true;
    case ContainerKind::init:
      return exit_code != 0 && spec_.restart_policy != RestartPolicy::never;
    case ContainerKind::main:
      break;
  }
  return spec_.restart_policy == RestartPolicy::always ||
         (spec_.restart_policy == RestartPolicy::on_failure && exit_code != 0);
}

void PodState::remove(Millis grace, Moment now) {
  deleting_ = true;
  const Millis deadline = now.steady + grace;
  kill_at_ = std::min(kill_at_.value_or(deadline), deadline);
}

void PodState::vanish() {
  vanished_ = true;
  kill_at_ = Millis{0};
}

std::vector<Action> PodState::advance(Moment now) {
  std::vector<Action> actions;
  advanced_ = now.steady;
  for (Container& container : containers_) {
    if (container.phase == Phase::running &&
        now.steady - container.started.steady >= timing_.ready_after) {
      container.ready = true;
    }
  }
  if (!stopping()) run(now, actions);
  if (stopping()) stop(now, actions);  // run() may have found the pod at its end
  return actions;
}

void PodState::run(Moment now, std::vector<Action>& actions) {
  if (!initialized_) initialize(now, actions);
  if (!initialized_) return;
  bool work_left = false;
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    if (spec_.containers[i].kind != ContainerKind::init) start_when_due(i, now, actions);
    work_left = work_left || (spec_.containers[i].kind == ContainerKind::main &&
                              containers_[i].phase != Phase::terminated);
  }
  if (!work_left) kill_at_ = now.steady + spec_.grace;
}

// One by one: each init container has to succeed, each sidecar to be ready, before the next.
void PodState::initialize(Moment now, std::vector<Action>& actions) {
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    const ContainerKind kind = spec_.containers[i].kind;
    if (kind == ContainerKind::main) break;
    const Container& container = containers_[i];
    if (container.phase == Phase::terminated && container.ended->exit_code != 0) {
      failed_to_initialize_ = true;
      kill_at_ = now.steady + spec_.grace;
      return;
    }
    start_when_due(i, now, actions);
    const bool done =
        kind == ContainerKind::sidecar ? container.ready : container.phase == Phase::terminated;
    if (!done) return;
  }
  initialized_ = true;
}

void PodState::start_when_due(std::size_t index, Moment now, std::vector<Action>& actions) {
  Container& container = containers_[index];
  if (container.phase != Phase::waiting) return;
  if (container.retry_at && *container.retry_at > now.steady) return;
  container.phase = Phase::starting;
  actions.push_back({Action::Kind::start, index});
}

// The work ends first; the sidecars follow in reverse order, within the same grace.
void PodState::stop(Moment now, std::vector<Action>& actions) {
  for (Container& container : containers_) {
    if (container.phase == Phase::starting) container.phase = Phase::waiting;
  }
  const bool work = work_running();
  bool sidecar_asked = false;
  for (std::size_t i = containers_.size(); i-- > 0;) {
    Container& container = containers_[i];
    if (container.phase != Phase::running) continue;
    if (now.steady >= *kill_at_) {
      if (!std::exchange(container.killed, true)) actions.push_back({Action::Kind::kill, i});
      continue;
    }
    const bool sidecar = spec_.containers[i].kind == ContainerKind::sidecar;
    if (sidecar && (work || std::exchange(sidecar_asked, true))) continue;
    if (!std::exchange(container.asked_to_end, true)) {
      actions.push_back({Action::Kind::terminate, i});
    }
  }
  if (deleting_ && !vanished_ && !any_running() && !std::exchange(finished_, true)) {
    actions.push_back({Action::Kind::finish, 0});
  }
}

bool PodState::any_running() const {
  return std::any_of(containers_.begin(), containers_.end(),
                     [](const Container& c) { return c.phase == Phase::running; });
}

bool PodState::work_running() const {
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    if (containers_[i].phase == Phase::running &&
        spec_.containers[i].kind != ContainerKind::sidecar) {
      return true;
    }
  }
  return false;
}

std::optional<Millis> PodState::next_deadline() const {
  std::optional<Millis> next;
  // What was due at the last advance() was dealt with, or waits for its turn and an event.
  const auto consider = [&](Millis when) {
    if (when > advanced_ && when != kNever && (!next || when < *next)) next = when;
  };
  for (const Container& container : containers_) {
    if (container.phase == Phase::running && !container.ready) {
      consider(container.started.steady + timing_.ready_after);
    }
    if (container.phase == Phase::waiting && container.retry_at && !stopping()) {
      consider(*container.retry_at);
    }
  }
  if (stopping() && any_running()) consider(*kill_at_);
  return next;
}

bool PodState::over() const {
  return vanished_ && !any_running();
}

}  // namespace wp::testnode
