// The simulated workers: who exists, who serves, who leaves, and which is next to take a job. It
// knows no queue and no policy. Owned by one run of the simulator. Workers are numbered from 0 in
// the order of their creation.
#pragma once

#include <deque>
#include <set>
#include <utility>
#include <vector>

#include "ctl/simulate/load.h"

namespace wp::simulate {

class Fleet {
 public:
  explicit Fleet(int slots) : slots_(slots) {}

  struct Count {
    int starting = 0;
    int ready = 0;            // and serving
    int busy = 0;             // of the ready, those that run a job
    int draining = 0;         // each runs a job, else it is gone
    int running_serving = 0;  // jobs on ready workers
    int existing() const { return starting + ready + draining; }
    int asked_for() const { return starting + ready; }
  };
  const Count& count() const { return count_; }

  /// A worker that will be ready later; answers its number.
  int create(Micros now);
  /// Answers whether it still starts: one that was taken away meanwhile is not there any more.
  bool make_ready(int worker, Micros now);

  /// Gives a job to the slot that has been free for the longest time; -1 when none is free.
  int take_slot();
  /// A job ended there. A worker that drains ends with its last.
  void free_slot(int worker, Micros now);

  /// Takes back up to so many that drain, those that were sent away last first; answers how many.
  int call_back(int most);
  enum class Choice { idle_first, newest };
  /// Sends so many away: starting ones first, then (idle_first) those with the fewest jobs, the
  /// newest first. Whoever holds a job drains; answers those.
  std::vector<int> send_away(int workers, Choice choice, Micros now);
  /// Ends one that drains, whatever it runs. Answers whether it still did.
  bool kill(int worker, Micros now);

  /// From creation to the end, of those that exist to `end`, or to their last job if that is later.
  Micros lifetime(Micros end) const;
  int created() const { return static_cast<int>(workers_.size()); }

 private:
  enum class Phase { starting, ready, draining, gone };
  struct Worker {
    Phase phase = Phase::starting;
    Micros created{0};
    Micros last_used{0};
    Micros ended{0};
    int running = 0;
    std::deque<Micros> free_since;  // one per free slot, oldest first
  };
  void enter(int number);  // its phase and slots into the counts and the line of free slots
  void leave(int number);
  void end(int number, Micros now);

  int slots_;
  Count count_;
  std::vector<Worker> workers_;
  std::vector<int> alive_;                 // ascending
  std::vector<int> draining_;              // in the order in which they were sent away
  std::set<std::pair<Micros, int>> free_;  // serving workers with a free slot
};

}  // namespace wp::simulate
