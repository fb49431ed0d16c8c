// The workers of a simulated cluster and their queue: pods start, register, claim and end jobs,
// drain when they are told to go; retirements hold for 60 s of the queue's own clock.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/backlog/backlog.h"
#include "queue/views.h"
#include "tests/operator/fleet/model_cluster.h"

namespace wp::fleet::model {

struct Habits {
  int flap_in = 0;          // readiness goes once in so many steps; 0: never. Containers restart
  bool stuck = false;       // some pods find no node for a while
  int longest_job = 30000;  // ms
  int busy_percent = 50;    // how likely a free worker finds a job, per half second
  int slots = 1;
  int start_ms = 3000;  // from one stage of a start to the next, at most
};

class Workers {
 public:
  Workers(Chance& chance, Cluster& cluster) : chance_(chance), cluster_(cluster) {}

  Habits habits;
  Millis clock_step{0};  // of the queue's clock against ours
  bool away = false;     // the queue answers nobody

  void advance(Millis now);

  void retire(const std::vector<std::string>& pods, queue::RetiredBy by);
  void unretire(const std::vector<std::string>& pods, queue::RetiredBy by);
  queue::Counts counts() const;
  bool is_retired(const std::string& uid, Millis for_so_long = Millis{0}) const;
  int held(const std::string& uid) const;
  int retired_by_us() const;  // of pods that are there
  void restart_container(const std::string& uid);

  /// Claims of workers whose pod was deleted for our number and that had not heard of it yet.
  int claims_after_deletion = 0;
  std::map<std::string, Cause> deleted_for;

 private:
  struct Process {
    Millis next_stage{0};
    bool registered = false;
    std::vector<Millis> jobs;  // when they end
    std::optional<Millis> told_to_go;
    std::optional<Millis> flaps_until;
    std::int64_t executed = 0;
  };
  struct Retirement {
    queue::RetiredBy by;
    Millis until;
  };
  Millis queue_now() const { return cluster_.now + Millis{10000000} + clock_step; }
  void start(Pod& pod, Process& process);
  void flap(Pod& pod, Process& process);

  Chance& chance_;
  Cluster& cluster_;
  std::map<std::string, Process> processes_;
  std::map<std::string, Retirement> retirements_;
};

}  // namespace wp::fleet::model
