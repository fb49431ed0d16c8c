// What a reconcile might have found, for tests of what is made of it: a pool with seven workers on
// a queue that is read, and nothing wrong.
#pragma once

#include <string>

#include "operator/controller/status_builder.h"
#include "tests/operator/pool/support.h"

namespace wp::test {

inline fleet::Member member(const std::string& name, int held = 0) {
  fleet::Member made;
  made.pod.name = name;
  made.pod.uid = "uid-" + name;
  made.pod.ready = true;
  made.pod.container_running = true;
  made.registered = true;
  made.worker = made.pod.uid + "/1";
  made.held = held;
  made.slots = 4;
  return made;
}

/// Owns the pool that its findings point to.
struct Found {
  pool::ParsedPool parsed;
  controller::Findings f;

  explicit Found(const std::string& spec_patch = "{}") {
    nlohmann::json object = pool::object_with(R"({"workers": {"concurrency": 4}})");
    object["spec"].merge_patch(nlohmann::json::parse(spec_patch));
    object["metadata"]["uid"] = "uid-1";
    object["metadata"]["generation"] = 3;
    parsed = pool::read_pool(object);
    const std::string problems = pool::summary(parsed.problems);
    REQUIRE_MESSAGE(parsed.problems.empty(), problems);
    f.pool = &parsed;
    f.view.known = true;
    f.view.selector = "workerpool.dev/pool=thumbnails";
    for (int i = 1; i <= 7; ++i) f.fleet.members.push_back(member("w-" + std::to_string(i), i < 7));
    f.backlog.emplace();
    f.backlog->counts.emplace();
    f.backlog->counts->waiting = 120;
    f.backlog->counts->active = 14;
    f.backlog->counts->oldest_wait = Millis{2400};
    f.fresh = true;
    decide(7, scaling::Cause::backlog, "120 waiting + 14 running, 4 per worker = 7 workers");
    count();
  }
  Found(const Found&) = delete;
  Found& operator=(const Found&) = delete;

  queue::Counts& counts() { return *f.backlog->counts; }

  void decide(int replicas, scaling::Cause cause, const std::string& reason,
              std::optional<scaling::Cause> limited = std::nullopt) {
    f.decision.emplace();
    f.decision->replicas = replicas;
    f.decision->cause = cause;
    f.decision->reason = reason;
    f.decision->limited = limited;
  }

  /// After a change to the members: the pods and the sums.
  void count() {
    fleet::Fleet sums;
    sums.members = std::move(f.fleet.members);
    f.view.pods.clear();
    for (const fleet::Member& one : sums.members) {
      f.view.pods.push_back(one.pod);
      const bool leaves = one.leaving() || one.pod.terminating;
      if (leaves) {
        sums.leaving_busy += one.held > 0 ? 1 : 0;
        sums.retiring += one.pod.terminating ? 0 : 1;
      } else {
        (one.held > 0 ? sums.busy : sums.idle) += 1;
      }
      if (one.pod.terminating || !one.registered) continue;
      sums.serving += 1;
      sums.broken += one.broken ? 1 : 0;
      sums.stalled += one.stalled ? 1 : 0;
      sums.mismatched += one.slots != parsed.pool.spec.workers.concurrency ? 1 : 0;
      if (one.pod.ready && !one.broken) sums.serving_slots += one.slots;
    }
    f.view.replicas = static_cast<int>(sums.members.size());
    f.fleet = std::move(sums);
  }

  void unreadable(redis::ErrorClass error) {
    f.backlog->error = error;
    f.fresh = false;
  }
};

}  // namespace wp::test
