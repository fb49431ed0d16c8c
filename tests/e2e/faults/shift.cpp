#include "tests/e2e/faults/shift.h"

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <memory>
#include <sstream>

namespace wp::test {
namespace {

constexpr Millis kPatience{60000};

std::unique_ptr<Site>& the_site() {
  static std::unique_ptr<Site> made;
  return made;
}

}  // namespace

Site& site() {
  if (!have_node()) exit(77);
  std::unique_ptr<Site>& made = the_site();
  if (!made) {
    made = std::make_unique<Site>();
    std::atexit(close_site);
  }
  return *made;
}

void close_site() {
  the_site().reset();
}

Shift::Shift(const std::string& name, int workers, const nlohmann::json& spec,
             const nlohmann::json& container)
    : name_(name) {
  Site& place = site();
  share_with_pods(jobs_);
  nlohmann::json whole = {
      {"workers", {{"template", with_shared_folder(jobs_, container)}, {"drainTimeout", "60s"}}},
      {"scaling", {{"minReplicas", workers}}}};
  whole.merge_patch(spec);
  place.apply_pool(name_, {{"exec", {{"command", jobs_.command()}}}}, whole);
  REQUIRE_MESSAGE(eventually([&] { return ready(workers); }, kPatience, Millis{100}), story());
}

Shift::~Shift() {
  jobs_.let_all_go();
  (void)run({"kubectl", "--namespace", site().ns(), "delete", "workerpool", name_, "--wait=false"});
}

bool Shift::ready(int workers) {
  const std::vector<SitePod> pods = site().pods(name_);
  return static_cast<int>(pods.size()) == workers &&
         std::all_of(pods.begin(), pods.end(),
                     [](const SitePod& pod) { return pod.ready && !pod.leaving; });
}

void Shift::enqueue(const std::map<std::string, std::string>& jobs) {
  for (const auto& [id, payload] : jobs) ids_.insert(id);
  site().put(name_, jobs);
}

std::set<std::string> Shift::start(int count) {
  std::map<std::string, std::string> batch;
  std::set<std::string> started;
  for (int i = 0; i < count; ++i) {
    const std::string id = "job-" + std::to_string(ids_.size() + static_cast<std::size_t>(i));
    batch[id] = jobs_.gated(id);
    started.insert(id);
  }
  enqueue(batch);
  const auto all_run = [&] {
    const auto places = jobs_.places();
    return std::all_of(started.begin(), started.end(),
                       [&](const std::string& id) { return places.contains(id); });
  };
  REQUIRE_MESSAGE(eventually(all_run, kPatience), story());
  return started;
}

SitePod Shift::pod_of(const std::string& job) {
  const auto places = jobs_.places();
  const auto place = places.find(job);
  REQUIRE_MESSAGE(place != places.end(), job, " does not run. ", story());
  for (const SitePod& pod : site().pods(name_)) {
    if (pod.uid == place->second) return pod;
  }
  FAIL(job, " runs on ", place->second, ", which is no pod. ", story());
  return {};
}

Millis Shift::until_it_runs_again(const std::string& job, int before) {
  const Millis begun = system_clock().steady();
  REQUIRE_MESSAGE(eventually([&] { return jobs_.runs_of(job) > before; }, Millis{120000}), story());
  return system_clock().steady() - begun;
}

void Shift::finish(const std::set<std::string>& dead) {
  jobs_.let_all_go();
  const auto at_rest = [&] {
    const queue::Counts counts = site().counts(name_);
    return counts.active == 0 && counts.waiting == 0 && counts.delayed == 0;
  };
  REQUIRE_MESSAGE(eventually(at_rest, kPatience, Millis{50}), story());
  std::string wrong;
  for (const std::string& line : site().books(name_, ids_, dead)) wrong += line + "\n";
  CHECK_MESSAGE(wrong.empty(), wrong, story());
}

void Shift::check_none_interrupted() {
  for (const std::string& id : ids_) CHECK_MESSAGE(jobs_.runs_of(id) == 1, id);
  for (const JobRun& run : jobs_.runs()) CHECK_MESSAGE(run.ended, run.job, " was interrupted");
}

std::string Shift::story() {
  std::ostringstream text;
  text << run({"kubectl", "--namespace", site().ns(), "get", "workerpools,pods,events", "--output",
               "wide"})
              .output
       << site().operator_log();
  for (const JobRun& run : jobs_.runs()) {
    text << run.job << " epoch " << run.epoch << " on " << run.pod
         << (run.ended ? " ended\n" : "\n");
  }
  return text.str();
}

}  // namespace wp::test
