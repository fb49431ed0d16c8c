// The life of one pod as a state machine without processes, clock or API: what happened is told by
// the event methods, advance() answers what to do now, next_deadline() when to ask again. Owned by
// the loop; not thread safe; nothing throws.
//
//   for (auto actions = pod.advance(now); !actions.empty(); actions = pod.advance(now))
//   perform(actions);
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "tests/cluster/node/pod.h"

namespace wp::testnode {

/// `steady` for intervals, `wall` for what is shown.
struct Moment {
  Millis steady;
  Millis wall;
};

/// How a process ended: `signal` is 0 unless one killed it.
struct Exit {
  int code = 0;
  int signal = 0;
};

struct Termination {
  int exit_code = 0;  // 128 + signal when killed, as container runtimes report it
  int signal = 0;
  std::string reason = {};
  std::string message = {};
  Millis started{};  // wall
  Millis finished{};
  std::string container_id = {};
};

struct Container {
  enum class Phase { waiting, starting, running, terminated };

  Phase phase = Phase::waiting;
  std::string reason = {};  // why it waits
  std::string message = {};
  std::optional<Millis> retry_at = {};  // waiting: not before (steady); Millis::max(): never
  Moment started{};
  bool ready = false;
  bool asked_to_end = false;
  bool killed = false;
  int starts = 0;
  std::string id = {};
  std::optional<Termination> ended = {};     // phase terminated: for good
  std::optional<Termination> previous = {};  // of the process before
  Backoff backoff;
};

struct Action {
  enum class Kind {
    start,      // answer with started(), start_failed(), refused() or skipped()
    terminate,  // SIGTERM to the container's process
    kill,       // SIGKILL to everything in it
    finish,     // nothing runs any more: write the last status, then delete the pod
  };
  Kind kind;
  std::size_t container = 0;
};

class PodState {
 public:
  struct Timing {
    Millis ready_after{200};  // a process that has lived so long is ready
    Backoff::Limits backoff{Millis{200}, Millis{5000}, 0};
    Millis backoff_reset{10000};  // after a life of so long the backoff begins anew
  };

  PodState(const PodSpec& spec, const Timing& timing, Moment now);

  /// True while a start that advance() asked for is still wanted.
  bool wants_start(std::size_t container) const;
  void started(std::size_t container, std::string id, Moment now);
  /// There is no such program: counts as an exit with 128.
  void start_failed(std::size_t container, std::string id, const std::string& message, Moment now);
  /// It cannot be started, and did not begin: the container waits, with `retry` for its backoff.
  void refused(std::size_t container, std::string reason, std::string message, bool retry,
               Moment now);
  /// Counts as done, without a process.
  void skipped(std::size_t container, std::string id, Moment now);
  void exited(std::size_t container, Exit exit, Moment now);
  /// Deletion was asked for. A later call can only shorten the grace.
  void remove(Millis grace, Moment now);
  /// The object is gone from the API.
  void vanish();

  std::vector<Action> advance(Moment now);
  /// Steady time at which advance() may have something to do; nothing: only after an event.
  std::optional<Millis> next_deadline() const;

  /// Gone from the API, and nothing runs: it can be forgotten.
  bool over() const;
  bool vanished() const { return vanished_; }
  bool initialized() const { return initialized_; }
  bool deleting() const { return deleting_; }
  /// An init container failed for good.
  bool failed_to_initialize() const { return failed_to_initialize_; }
  Millis begun() const { return begun_; }  // wall
  const PodSpec& spec() const { return spec_; }
  /// In the order of the spec.
  const std::vector<Container>& containers() const { return containers_; }

 private:
  void run(Moment now, std::vector<Action>& actions);
  void stop(Moment now, std::vector<Action>& actions);
  void initialize(Moment now, std::vector<Action>& actions);
  void start_when_due(std::size_t index, Moment now, std::vector<Action>& actions);
  void end(std::size_t index, Termination how, Moment now);
  bool restarts(std::size_t index, int exit_code) const;
  bool stopping() const { return kill_at_.has_value(); }
  bool any_running() const;
  bool work_running() const;

  PodSpec spec_;
  Timing timing_;
  std::vector<Container> containers_;
  Millis begun_;
  Millis advanced_{0};             // steady time of the last advance()
  std::optional<Millis> kill_at_;  // steady; set: nothing starts any more
  bool initialized_ = false;
  bool failed_to_initialize_ = false;
  bool deleting_ = false;
  bool vanished_ = false;
  bool finished_ = false;  // Action::finish was given
};

}  // namespace wp::testnode
