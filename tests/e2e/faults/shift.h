// A pool at work on the node: workers that stay, and jobs that run until the test lets them go. All
// shifts of a program share one installation. Asserts by doctest. One thread.
#pragma once

#include <set>
#include <string>

#include "tests/e2e/site.h"

namespace wp::test {

/// The installation of this program; made by the first who asks. Skips the test without a node.
Site& site();
/// What ends with the program's last test case.
void close_site();

class Shift {
 public:
  /// `workers` of them stay. `container` is merged into the workers', `spec` into the pool's.
  Shift(const std::string& name, int workers, const nlohmann::json& spec = nlohmann::json::object(),
        const nlohmann::json& container = nlohmann::json::object());
  ~Shift();
  Shift(const Shift&) = delete;
  Shift& operator=(const Shift&) = delete;

  const std::string& name() const { return name_; }
  GatedJobs& jobs() { return jobs_; }
  /// So many gated jobs more, all running. Answers their ids.
  std::set<std::string> start(int count);
  void enqueue(const std::map<std::string, std::string>& jobs);
  /// Where the newest run of a job takes place.
  SitePod pod_of(const std::string& job);
  /// Until the job is run once more than `before` times.
  Millis until_it_runs_again(const std::string& job, int before);
  bool ready(int workers);
  /// Lets all jobs go and holds the books: each completed once. `dead`: those meant to be buried.
  void finish(const std::set<std::string>& dead = {});
  /// Every run has ended, and no job ran more than once.
  void check_none_interrupted();
  /// For messages: the pool, its pods and the operator's last words.
  std::string story();

 private:
  std::string name_;
  GatedJobs jobs_;
  std::set<std::string> ids_;
};

}  // namespace wp::test
