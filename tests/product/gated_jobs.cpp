#include "tests/product/gated_jobs.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <system_error>

namespace wp::test {
namespace {

// One write each, so that lines of several pods are never mixed.
constexpr const char* kHandler = R"sh(
  read -r gate seconds
  run="$WP_JOB_ID $WP_EPOCH $WP_ATTEMPT $$ $WP_POD_UID"
  echo "start $run" >> "$1"
  [ "$gate" = - ] || flock --shared "$gate" true
  sleep "$seconds"
  echo "end $run" >> "$1"
)sh";

}  // namespace

GatedJobs::GatedJobs() {
  (void)folder_.write("ledger", "");
  (void)folder_.write("handler", kHandler);
}

std::vector<std::string> GatedJobs::command() const {
  return {"sh", folder_.path() + "/handler", ledger()};
}

std::string GatedJobs::gated(const std::string& job) {
  const std::string file = folder_.write("gate-" + job, "");
  UniqueFd gate(open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (flock(gate.get(), LOCK_EX) != 0) throw std::system_error(errno, std::system_category(), file);
  gates_[job] = std::move(gate);
  return file + " 0\n";
}

std::string GatedJobs::timed(Millis time) {
  return "- " + std::to_string(static_cast<double>(time.count()) / 1000.0) + "\n";
}

void GatedJobs::let_go(const std::string& job) {
  gates_.erase(job);
}

std::set<std::string> GatedJobs::closed() const {
  std::set<std::string> jobs;
  for (const auto& [job, gate] : gates_) jobs.insert(job);
  return jobs;
}

std::vector<JobRun> GatedJobs::runs() const {
  std::vector<JobRun> found;
  std::ifstream file(ledger());
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string what;
    JobRun run;
    words >> what >> run.job >> run.epoch >> run.attempt >> run.pid >> run.pod;
    if (what == "start") {
      found.push_back(run);
      continue;
    }
    for (JobRun& begun : found) begun.ended |= begun.job == run.job && begun.epoch == run.epoch;
  }
  return found;
}

int GatedJobs::runs_of(const std::string& job) const {
  const std::vector<JobRun> all = runs();
  return static_cast<int>(
      std::count_if(all.begin(), all.end(), [&](const JobRun& run) { return run.job == job; }));
}

std::map<std::string, std::string> GatedJobs::places() const {
  std::map<std::string, std::string> newest;
  for (const JobRun& run : runs()) {
    newest.erase(run.job);
    if (!run.ended) newest[run.job] = run.pod;
  }
  return newest;
}

std::map<std::string, std::string> GatedJobs::busy_pods() const {
  std::map<std::string, std::string> busy;
  for (const auto& [job, pod] : places()) busy[pod] = job;
  return busy;
}

}  // namespace wp::test
