// The places of one local pool's workers, and what has to happen to them: a state machine without
// clock or process. LocalWorkload carries out what it says and tells it what happened.
//
// A place has a number (the lowest that is free), a name `<pool>-<number>` and a uid that no other
// place ever had: a retirement in the queue names the uid, and must not hit whoever comes next. A
// worker that dies unexpectedly is started again in its place, after 0.2 s, doubling up to 10 s, as
// a kubelet does. Not thread safe.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "operator/workload/workload.h"

namespace wp::workload {

class WorkerSet {
 public:
  struct Now {
    Millis steady{0};
    Millis wall{0};
  };
  /// What is due, by uid.
  struct Todo {
    std::vector<std::string> start;
    std::vector<std::string> terminate;  // SIGTERM: they drain
    std::vector<std::string> kill;       // SIGKILL: they had their time
  };

  /// `grace`: how long a terminated worker may take. `chance`: a suffix that makes a uid unique.
  WorkerSet(std::string pool_name, Millis grace, std::function<std::string()> chance);

  /// More: new places, due to start at once. Fewer: the victims go first; only when there are none
  /// left, the newest.
  void resize(int replicas, const std::vector<std::string>& victims, Now now);
  int replicas() const;

  /// Answers whether that changed anything; places that are gone or leave are passed over.
  bool mark(const std::string& uid, bool marked);
  Witness witness() const;
  /// Its worker is told to go, and another place takes this one's part. False: no such place.
  bool replace(const std::string& uid, Now now);

  /// Each order is given once. Call again at next_deadline().
  Todo due(Millis steady);
  /// When something becomes due by itself; kNever when nothing will.
  Millis next_deadline() const;
  static constexpr Millis kNever{std::numeric_limits<std::int64_t>::max()};

  void started(const std::string& uid, int pid, Millis steady);
  /// It ended, or could not be started; `why` is shown while its place waits. `exit_code` as a
  /// shell tells it: 128 + the signal.
  void ended(const std::string& uid, Millis steady, const std::string& why, int exit_code);

  /// `registered` answers whether a worker of this uid is known to the queue: that is what ready
  /// means, and it stays so until the process ends.
  std::vector<WorkerPod> pods(const std::function<bool(const std::string&)>& registered,
                              Millis wall);
  bool empty() const { return slots_.empty(); }
  std::string name_of(const std::string& uid) const;  // empty: no such place
  int number_of(const std::string& uid) const;        // 0: no such place

 private:
  static constexpr Backoff::Limits kRestart{Millis{200}, Millis{10000}, 0};
  enum class Phase { waiting, running };
  struct Slot {
    int number = 0;
    std::string name;
    std::string uid;
    Millis created{0};  // wall
    Phase phase = Phase::waiting;
    Millis start_at{0};    // steady; waiting
    bool ordered = false;  // its start, or its end when leaving, was given out
    Millis started{0};     // steady; running
    int pid = 0;           // of the newest process; 0: none yet
    int restarts = 0;
    int exit_code = 0;
    bool ready = false;
    Millis ready_since{0};  // wall
    bool marked = false;
    bool leaving = false;
    Millis kill_at{0};  // steady; leaving
    bool killed = false;
    Backoff backoff{kRestart};
    std::string why;
  };

  Slot* find(const std::string& uid);
  const Slot* find(const std::string& uid) const;
  void add(Now now);
  void dismiss(Slot& slot, Now now);
  void drop_what_never_ran();
  int free_number() const;

  std::string pool_name_;
  Millis grace_;
  std::function<std::string()> chance_;
  std::vector<Slot> slots_;  // in order of creation
};

}  // namespace wp::workload
