// A controller on a real Redis, with a workload that only remembers.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/controller/controller.h"
#include "operator/pool/parse.h"

namespace wp::test {

// Replicas become pods at once, and those that go are the marked ones. Counts every write.
class MemoryWorkload final : public workload::Workload {
 public:
  workload::View observe(const pool::Pool&) const override {
    const std::lock_guard lock(mutex);
    ++observed;
    workload::View view;
    view.known = exists && !unseen;
    if (!view.known) return view;
    view.replicas = replicas;
    view.pod_request = pod_request;
    view.foreign_scaler = contender;
    if (!contender.empty()) view.left_alone_for = Millis{60000};
    settle();
    view.pods = pods;
    workload::Witness witness;
    witness.current = true;
    witness.existing = static_cast<int>(pods.size());
    witness.ready = witness.existing;
    for (const workload::WorkerPod& pod : pods) witness.marked += pod.marked ? 1 : 0;
    view.witness = witness;
    return view;
  }
  void ensure(const pool::Pool&, int initial) override {
    const std::lock_guard lock(mutex);
    ++ensured;
    if (reject) throw workload::WorkloadError(*reject, "the template is not acceptable");
    unseen = false;
    if (exists) return;
    exists = true;
    replicas = initial;
  }
  void scale(const pool::Pool&, int n, const std::vector<std::string>& uids) override {
    const std::lock_guard lock(mutex);
    if (!contender.empty()) {
      ++refused;
      throw workload::WorkloadError(workload::WorkloadError::Kind::conflict, "not our turn");
    }
    victims = uids;
    replicas = n;
    settle();
    ++writes;
  }
  int mark(const pool::Pool&, const std::vector<std::string>& uids) override {
    return set_mark(uids, true);
  }
  int unmark(const pool::Pool&, const std::vector<std::string>& uids) override {
    return set_mark(uids, false);
  }
  void remove(const pool::Pool&, const std::string& uid) override {
    const std::lock_guard lock(mutex);
    std::erase_if(pods, [&](const workload::WorkerPod& pod) { return pod.uid == uid; });
  }
  void forget(const std::string&) override {
    if (++forgotten > refusals_to_forget) return;
    throw workload::WorkloadError(workload::WorkloadError::Kind::conflict, "not yet");
  }

  int now() const {
    const std::lock_guard lock(mutex);
    return replicas;
  }

  mutable std::mutex mutex;
  bool exists = false;
  int replicas = 0;
  int writes = 0;
  int ensured = 0;
  mutable int observed = 0;
  std::string contender;  // sets the replicas again and again
  int refused = 0;        // calls of scale() meanwhile
  bool unseen = false;    // it exists, and nobody has told us yet
  std::atomic<int> forgotten{0};
  std::atomic<int> refusals_to_forget{0};  // the first ones
  std::vector<std::string> victims;
  std::optional<scaling::PodRequest> pod_request;  // of a target
  std::optional<workload::WorkloadError::Kind> reject;

 private:
  int set_mark(const std::vector<std::string>& uids, bool marked) {
    const std::lock_guard lock(mutex);
    int changed = 0;
    for (workload::WorkerPod& pod : pods) {
      if (std::find(uids.begin(), uids.end(), pod.uid) == uids.end()) continue;
      changed += pod.marked != marked ? 1 : 0;
      pod.marked = marked;
    }
    return changed;
  }
  void settle() const {
    while (static_cast<int>(pods.size()) < replicas) {
      workload::WorkerPod pod;
      pod.name = pod.uid = "pod-" + std::to_string(next);
      pod.created = Millis{next++};
      pod.ready = true;
      pods.push_back(pod);
    }
    std::stable_partition(pods.begin(), pods.end(),
                          [](const workload::WorkerPod& pod) { return !pod.marked; });
    pods.resize(static_cast<std::size_t>(replicas));
  }

  mutable std::vector<workload::WorkerPod> pods;
  mutable int next = 0;
};

struct Bench {
  explicit Bench(const std::string& spec, redis::Endpoint address,
                 pool::ParseOptions how = {.local = true})
      : endpoint(std::move(address)), parse(how) {
    nlohmann::json object = nlohmann::json::parse(R"({
      "apiVersion": "workerpool.dev/v1alpha1", "kind": "WorkerPool",
      "metadata": {"namespace": "default", "name": "p", "uid": "uid-1", "generation": 1}})");
    object["spec"] = nlohmann::json::parse(spec);
    set(object);
    start();
  }

  /// Also again, as another process that finds the status that the last one wrote.
  void start() {
    controller.reset();
    {
      const std::lock_guard lock(mutex);
      auto made = std::make_shared<controller::StoredPool>(*stored);
      made->status = pool::status_from_json(pool::to_json(status));
      stored = made;
    }
    controller::Controller::Options options;
    options.pools =
        [this](const std::string& key) -> std::shared_ptr<const controller::StoredPool> {
      const std::lock_guard lock(mutex);
      return key == "default/p" ? stored : nullptr;
    };
    options.endpoint = [this](const pool::Pool&, bool) { return endpoint; };
    options.write_status = [this](const pool::Pool&, const pool::Status& after) {
      const std::lock_guard lock(mutex);
      status = after;
      ++status_writes;
    };
    options.write_event = [this](const pool::Pool&, const controller::EventNote& event) {
      const std::lock_guard lock(mutex);
      events[std::string(event.reason)] += 1;
    };
    options.workload = &workload;
    options.term = 5;
    options.status_interval = Millis{50};
    controller = std::make_unique<controller::Controller>(std::move(options));
    controller->start();
    controller->enqueue("default/p");
  }

  void set(const nlohmann::json& object) {
    const std::lock_guard lock(mutex);
    auto made = std::make_shared<controller::StoredPool>();
    made->parsed = pool::read_pool(object, parse);
    stored = made;
  }
  void put(int jobs) {
    redis::Connection connection(endpoint);
    connection.connect();
    std::vector<queue::NewJob> batch(static_cast<std::size_t>(jobs));
    (void)queue::Queue(connection, "default/p").enqueue(batch);
  }
  bool condition_is(std::string_view type, pool::ConditionStatus value, std::string_view reason) {
    const std::lock_guard lock(mutex);
    const pool::Condition* c = status.condition(type);
    return c != nullptr && c->status == value && c->reason == reason;
  }
  /// Workloads looked at so often: at least once in each reconcile.
  int looks() const {
    const std::lock_guard lock(workload.mutex);
    return workload.observed;
  }
  int event(std::string_view reason) {
    const std::lock_guard lock(mutex);
    return events[std::string(reason)];
  }

  redis::Endpoint endpoint;
  pool::ParseOptions parse;
  MemoryWorkload workload;
  std::mutex mutex;
  std::shared_ptr<const controller::StoredPool> stored;
  pool::Status status;
  int status_writes = 0;
  std::map<std::string, int> events;
  std::unique_ptr<controller::Controller> controller;
};

inline const char* const kSpec =
    R"({"workers": {"concurrency": 2, "handler": {"exec": {"command": ["true"]}}},
  "scaling": {"policy": "SlotPerJob", "maxReplicas": 8, "scaleDownWindow": "10s"}})";

}  // namespace wp::test
