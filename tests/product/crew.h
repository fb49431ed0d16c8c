// A pool whose workers are all known by what they do: each runs a job that the test lets go, or
// none. What the operator did to them is seen from outside: the pods that stay, and the ledger of
// the jobs. A worker that is told to go has a second for its job: a wrong victim is an interrupted
// job. One test's own; asserts by doctest.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/product/cluster.h"
#include "tests/product/gated_jobs.h"

namespace wp::test {

/// True by `make soak`: every combination, and many rounds.
bool soak();
/// Of the control plane.
std::string cluster_folder();
/// False (and said on stderr) without a control plane whose pods can be made late.
bool have_late_cluster();
/// How late the controller manager sees its pods from now on.
void delay_controllers(Millis by);

/// For messages and comparisons.
std::string joined(const std::set<std::string>& words);

struct CrewPod {
  /// Of the process that is its container; 0: none runs, or did.
  pid_t pid() const;

  std::string name;
  std::string uid;
  std::string node;
  std::string state;      // its label: serving or retiring
  std::string container;  // its containerID
  bool ready = false;
  bool leaving = false;  // deleted, and still there
};

struct CrewSetup {
  OperatorSetup operator_setup = {};
  nlohmann::json spec = nlohmann::json::object();  // merged into the pool's
  std::vector<std::string> redis_config = {};
};

class Crew {
 public:
  static constexpr const char* kPool = "crew";

  explicit Crew(const CrewSetup& setup = {});
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Enqueues gated jobs until `workers` run one each, and waits until all stands still. Fails the
  /// test when it does not come to that.
  void grow(int workers);
  /// Enqueues so many more gated jobs. Answers their ids.
  std::set<std::string> demand(int jobs);
  /// Enqueues jobs that take so long.
  void put_timed(int jobs, Millis time);
  /// Every job whose gate is closed runs, each on a worker of its own.
  bool all_run() const;
  /// Lets jobs end, chosen at random, until `jobs` are left. Answers the pods that still have one.
  std::set<std::string> keep(int jobs);

  std::vector<CrewPod> pods();
  /// The pod that runs this job. Fails the test when there is none.
  CrewPod pod_of(const std::string& job);
  /// Uids of the pods that nobody has deleted.
  std::set<std::string> staying();
  int replicas();
  /// The Deployment has so many workers, all of its newest template and ready, and nothing under
  /// way.
  bool settled(int workers);
  bool wait_settled(int workers, Millis deadline = Millis{60000});

  /// Asserts that every job so far has begun once, and that the queue counts nothing else.
  void check_uninterrupted();
  /// Asserts that nothing is left of a retirement: no mark on a pod, and none in Redis of a pod
  /// that stays.
  void check_nothing_retired();
  /// Lets all jobs end and holds the books: each done exactly once, the queue sound.
  void finish();

  /// What the operator has said, without its settings.
  std::string story() const;

  /// Of the dice of this test: $WORKERPOOL_SEED, or at random, and printed.
  unsigned seed() const { return seed_; }

  Product& product() { return product_; }
  const std::string& ns() const { return product_.ns(); }
  GatedJobs& jobs() { return jobs_; }
  const GatedJobs& jobs() const { return jobs_; }
  std::string workers_path(const std::string& sub = {}) const;

 private:
  std::string next_id() { return "job-" + std::to_string(enqueued_++); }

  Product product_;
  GatedJobs jobs_;
  const unsigned seed_;
  std::mt19937 random_;
  int enqueued_ = 0;
};

}  // namespace wp::test
