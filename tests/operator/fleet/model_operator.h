// The operator of a simulated cluster, as the controller drives plan(): its watches lag, its writes
// fail, succeed, or succeed and the answer is lost, its orders to the queue come late or never, and
// it dies between any two actions and comes back knowing nothing.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/fleet/retirement.h"
#include "tests/operator/fleet/model_workers.h"

namespace wp::fleet::model {

struct Faults {
  int fail_in = 0;   // one in so many writes fails; 0: none
  int lose_in = 0;   // its answer is lost, once it took effect
  int crash_in = 0;  // the operator dies before one in so many actions
  Millis watch_lag{30};
};

class Operator {
 public:
  Operator(Chance& chance, Cluster& cluster, Workers& workers);

  Faults faults;
  int desired = 0;
  bool may_shrink = true;
  std::int64_t max_jobs = 0;
  bool status_tells = true;  // the template has the label

  void advance(Millis now);
  Millis last_write{0};            // or order, renewals apart
  std::vector<std::string> wrong;  // what must never be
  int lowered = 0;                 // writes
  int plans = 0;
  int aborted = 0;

 private:
  struct Crash {};
  struct Failed {};

  void read_queue();
  void reconcile();
  bool take_step();
  void maybe_crash();
  enum class Fate { done, failed, lost };
  Fate fate();
  void write_mark(const std::string& uid, bool marked);
  void scale(const Plan& plan);
  bool sees_all_pods();
  void check_marks(const Plan& plan);
  void check_lowering(const Plan& plan);
  void check_given_up(const Plan& plan, const Fleet& fleet, const workload::View& view);
  workload::View observe();

  Chance& chance_;
  Cluster& cluster_;
  Workers& workers_;
  bool alive_ = true;
  Millis back_at_{0};
  Memory memory_;

  Cache<std::string, Pod> pods_;
  Cache<int, ReplicaSet> sets_;
  Cache<int, Deployment> deployment_;
  template <typename T>
  struct Written {
    std::size_t entry;  // of the log
    T object;
  };
  std::map<std::string, Written<Pod>> written_pods_;
  std::optional<Written<Deployment>> written_deployment_;
  bool known_ = true;
  bool answers_lost_ = false;  // of marks: what is in flight is not known to us

  std::optional<queue::Counts> counts_;
  Millis read_at_{0};
  bool error_ = false;
  Millis next_read_{0};
  std::optional<Plan> orders_;
  Millis orders_at_{0};
  bool orders_pending_ = false;

  bool woken_ = true;
  Millis wake_at_{0};
  Millis retry_at_{0};
  std::optional<Millis> scaled_at_;
  int last_desired_ = -1;
  std::size_t seen_ = 0;  // of the pods' log, by the status in the last view
};

}  // namespace wp::fleet::model
