#include "tests/product/crew.h"

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "tests/product/plain_api.h"

namespace wp::test {
namespace {

using Json = nlohmann::json;

constexpr Millis kGrown{60000};

unsigned choose_seed() {
  const char* text = std::getenv("WORKERPOOL_SEED");
  const unsigned chosen = text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10))
                                          : std::random_device{}();
  std::cout << "WORKERPOOL_SEED=" << chosen << "\n";
  return chosen;
}

Json crew_spec(const Json& more) {
  Json spec = {{"workers", {{"drainTimeout", "1s"}}},
               {"scaling",
                {{"policy", "SlotPerJob"},
                 {"maxReplicas", 12},
                 {"scaleDownWindow", "1s"},
                 {"scaleToZeroAfter", "1s"}}}};
  spec.merge_patch(more);
  return spec;
}

std::string text_at(const Json& object, const char* pointer) {
  const Json::json_pointer path(pointer);
  return object.contains(path) ? object.at(path).get<std::string>() : std::string();
}

CrewPod seen(const Json& pod) {
  CrewPod made;
  made.name = text_at(pod, "/metadata/name");
  made.uid = text_at(pod, "/metadata/uid");
  made.node = text_at(pod, "/spec/nodeName");
  made.state = text_at(pod, "/metadata/labels/workerpool.dev~1state");
  made.container = text_at(pod, "/status/containerStatuses/0/containerID");
  made.leaving = pod.at("metadata").contains("deletionTimestamp");
  const Json::json_pointer ready("/status/containerStatuses/0/ready");
  made.ready = pod.contains(ready) && pod.at(ready).get<bool>();
  return made;
}

}  // namespace

pid_t CrewPod::pid() const {
  constexpr std::string_view kScheme = "process://";
  return container.starts_with(kScheme) ? std::atoi(container.c_str() + kScheme.size()) : 0;
}

bool soak() {
  const char* text = std::getenv("WORKERPOOL_SOAK");
  return text != nullptr && std::string(text) == "1";
}

std::string cluster_folder() {
  return std::getenv("WORKERPOOL_CLUSTER_DIR");
}

std::string joined(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool have_late_cluster() {
  if (!have_cluster()) return false;
  if (std::filesystem::exists(cluster_folder() + "/watch-delay.address")) return true;
  std::cerr << "skipped: the control plane has no proxy; tests/cluster/proxy/insert first\n";
  return false;
}

void delay_controllers(Millis by) {
  write_delay(cluster_folder() + "/pods-delay", by);
}

Crew::Crew(const CrewSetup& setup)
    : product_(setup.redis_config, setup.operator_setup), seed_(choose_seed()), random_(seed_) {
  delay_controllers(Millis{0});
  product_.apply_pool(kPool, jobs_.command(), Json::object(), 1, crew_spec(setup.spec));
  REQUIRE(eventually([&] { return product_.condition(kPool, "QueueReachable") == "True/Reached"; },
                     Millis{60000}, Millis{20}));
}

Crew::~Crew() {
  delay_controllers(Millis{0});
  jobs_.let_all_go();
}

std::set<std::string> Crew::demand(int jobs) {
  std::map<std::string, std::string> batch;
  std::set<std::string> ids;
  for (int i = 0; i < jobs; ++i) {
    const std::string id = next_id();
    batch[id] = jobs_.gated(id);
    ids.insert(id);
  }
  product_.put(kPool, batch);
  return ids;
}

void Crew::put_timed(int jobs, Millis time) {
  std::map<std::string, std::string> batch;
  for (int i = 0; i < jobs; ++i) batch[next_id()] = GatedJobs::timed(time);
  product_.put(kPool, batch);
}

bool Crew::all_run() const {
  std::set<std::string> running;
  for (const auto& [job, pod] : jobs_.places()) running.insert(job);
  return running == jobs_.closed();
}

void Crew::grow(int workers) {
  (void)demand(workers - static_cast<int>(jobs_.closed().size()));
  const bool grown = eventually([&] { return all_run() && settled(workers); }, kGrown, Millis{20});
  CAPTURE(story());
  CAPTURE(jobs_.busy_pods().size());
  REQUIRE_MESSAGE(grown, "the pool did not grow");
}

std::set<std::string> Crew::keep(int jobs) {
  const std::set<std::string> closed = jobs_.closed();
  std::vector<std::string> open(closed.begin(), closed.end());
  std::shuffle(open.begin(), open.end(), random_);
  open.resize(open.size() - static_cast<std::size_t>(jobs));
  for (const std::string& job : open) jobs_.let_go(job);
  REQUIRE(eventually([&] { return jobs_.busy_pods().size() == static_cast<std::size_t>(jobs); }));
  std::set<std::string> busy;
  for (const auto& [pod, job] : jobs_.busy_pods()) busy.insert(pod);
  return busy;
}

std::vector<CrewPod> Crew::pods() {
  std::vector<CrewPod> all;
  for (const Json& pod : product_.pods(kPool)) all.push_back(seen(pod));
  return all;
}

CrewPod Crew::pod_of(const std::string& job) {
  for (const auto& [uid, running] : jobs_.busy_pods()) {
    if (running != job) continue;
    for (const CrewPod& pod : pods()) {
      if (pod.uid == uid) return pod;
    }
  }
  FAIL("no pod runs " << job);
  return {};
}

std::set<std::string> Crew::staying() {
  std::set<std::string> uids;
  for (const CrewPod& pod : pods()) {
    if (!pod.leaving) uids.insert(pod.uid);
  }
  return uids;
}

std::string Crew::workers_path(const std::string& sub) const {
  return kube::resource_path({"apps", "v1", "deployments"}, product_.ns(),
                             std::string(kPool) + "-worker", sub);
}

int Crew::replicas() {
  return product_.deployment(kPool).at("spec").at("replicas").get<int>();
}

bool Crew::settled(int workers) {
  const Json live = product_.deployment(kPool);
  const Json& status = live.at("status");
  if (status.value("observedGeneration", 0) != live.at("metadata").at("generation")) return false;
  for (const char* field : {"replicas", "updatedReplicas", "readyReplicas", "availableReplicas"}) {
    if (status.value(field, 0) != workers) return false;
  }
  if (live.at("spec").at("replicas") != workers) return false;
  // The status may not have been written since a pod went.
  int there = 0;
  for (const CrewPod& pod : pods()) {
    if (pod.leaving) continue;
    if (!pod.ready) return false;
    ++there;
  }
  return there == workers;
}

bool Crew::wait_settled(int workers, Millis deadline) {
  return eventually([&] { return settled(workers); }, deadline, Millis{20});
}

void Crew::check_uninterrupted() {
  std::set<std::string> once;
  std::set<std::string> again;
  for (const JobRun& run : jobs_.runs()) {
    if (!once.insert(run.job).second) again.insert(run.job);
  }
  CHECK(joined(again) == "");
  const queue::Counts counts = product_.counts(kPool);
  std::string counted;
  for (const char* bad : {"interrupted", "lost", "crashed", "failed", "stale", "stalled", "dead"}) {
    const auto found = counts.stat.find(bad);
    if (found != counts.stat.end() && found->second > 0) {
      counted += std::to_string(found->second) + " " + bad + " ";
    }
  }
  CHECK(counted == "");
}

void Crew::check_nothing_retired() {
  const auto left = [&] {
    const std::set<std::string> there = staying();
    for (const CrewPod& pod : pods()) {
      if (!pod.leaving && pod.state != "serving") return "marked: " + pod.name;
    }
    // One that took a job just before it was retired ends it, and leaves only then. It is called
    // back when somebody waits for a worker, not for the job that it has.
    const std::map<std::string, std::string> busy = jobs_.busy_pods();
    for (const queue::Retirement& retired : product_.counts(kPool).retired) {
      if (there.contains(retired.pod) && !busy.contains(retired.pod)) {
        return "retired and idle: " + retired.pod;
      }
    }
    return std::string();
  };
  (void)eventually([&] { return left().empty(); }, Millis{60000}, Millis{20});
  const std::string still = left();
  CHECK_MESSAGE(still == "", still << "\n" << story());
}

void Crew::finish() {
  jobs_.let_all_go();
  const bool all_done =
      eventually([&] { return product_.counts(kPool).stat["completed"] == enqueued_; },
                 Millis{60000}, Millis{20});
  CAPTURE(story());
  CHECK(all_done);
  std::multiset<std::string> ends;
  for (const JobRun& run : jobs_.runs()) {
    if (run.ended) ends.insert(run.job);
  }
  CHECK(static_cast<int>(ends.size()) == enqueued_);
  CHECK(std::set<std::string>(ends.begin(), ends.end()).size() == ends.size());
  const queue::Counts counts = product_.counts(kPool);
  CHECK(counts.waiting + counts.active + counts.delayed + counts.dead == 0);
  CHECK(product_.check(kPool) == std::vector<std::string>{});
}

std::string Crew::story() const {
  std::istringstream log(product_.operator_log());
  std::string told;
  for (std::string line; std::getline(log, line);) {
    if (line.find("\"setting\"") == std::string::npos) told += line + "\n";
  }
  return told;
}

}  // namespace wp::test
