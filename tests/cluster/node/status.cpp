#include "tests/cluster/node/status.h"

#include <algorithm>
#include <string_view>

namespace wp::testnode {
namespace {

using Phase = Container::Phase;

struct Counts {
  int mains = 0;
  int running = 0;
  int ended = 0;   // for good, or between two starts
  int failed = 0;  // of these
  int never_started = 0;
};

// Of the main containers.
Counts count(const PodState& pod) {
  Counts counts;
  for (std::size_t i = 0; i < pod.containers().size(); ++i) {
    if (pod.spec().containers[i].kind != ContainerKind::main) continue;
    const Container& container = pod.containers()[i];
    ++counts.mains;
    if (container.phase == Phase::running) {
      ++counts.running;
    } else if (const auto& last = container.ended ? container.ended : container.previous) {
      ++counts.ended;
      counts.failed += last->exit_code != 0 ? 1 : 0;
    } else {
      ++counts.never_started;
    }
  }
  return counts;
}

bool all_ended_for_good(const PodState& pod) {
  for (std::size_t i = 0; i < pod.containers().size(); ++i) {
    if (pod.spec().containers[i].kind == ContainerKind::main &&
        pod.containers()[i].phase != Phase::terminated) {
      return false;
    }
  }
  return true;
}

Json terminated(const Termination& how) {
  Json state = {{"exitCode", how.exit_code},
                {"reason", how.reason},
                {"startedAt", format_time_seconds(how.started)},
                {"finishedAt", format_time_seconds(how.finished)},
                {"containerID", how.container_id}};
  if (how.signal != 0) state["signal"] = how.signal;
  if (!how.message.empty()) state["message"] = how.message;
  return {{"terminated", std::move(state)}};
}

Json container_state(const Container& container) {
  switch (container.phase) {
    case Phase::running:
      return {{"running", {{"startedAt", format_time_seconds(container.started.wall)}}}};
    case Phase::terminated:
      return terminated(*container.ended);
    case Phase::waiting:
    case Phase::starting:
      break;
  }
  Json waiting = {{"reason", container.reason}};
  if (!container.message.empty()) waiting["message"] = container.message;
  return {{"waiting", std::move(waiting)}};
}

Json container_status(const ContainerSpec& spec, const Container& container) {
  const bool init_done =
      spec.kind == ContainerKind::init && container.ended && container.ended->exit_code == 0;
  Json status = {{"name", spec.name},
                 {"image", spec.image},
                 {"imageID", ""},
                 {"ready", container.ready || init_done},
                 {"started", container.phase == Phase::running},
                 {"restartCount", std::max(0, container.starts - 1)},
                 {"state", container_state(container)}};
  if (!container.id.empty()) status["containerID"] = container.id;
  if (container.previous) status["lastState"] = terminated(*container.previous);
  return status;
}

struct Verdict {
  bool holds = true;
  std::string reason;
  std::string message;
};

Verdict initialized(const PodState& pod) {
  if (pod.initialized()) return {};
  return {false, "ContainersNotInitialized", "init containers have not completed"};
}

Verdict containers_ready(const PodState& pod, std::string_view phase) {
  if (phase == "Succeeded") return {false, "PodCompleted", ""};
  if (phase == "Failed") return {false, "PodFailed", ""};
  std::string unready;
  for (std::size_t i = 0; i < pod.containers().size(); ++i) {
    const ContainerSpec& spec = pod.spec().containers[i];
    if (spec.kind == ContainerKind::init || pod.containers()[i].ready) continue;
    unready += (unready.empty() ? "" : " ") + spec.name;
  }
  if (unready.empty()) return {};
  return {false, "ContainersNotReady", "containers with unready status: [" + unready + "]"};
}

Json condition(const char* type, const Verdict& verdict, const Json& previous, Millis wall_now) {
  const std::string status = verdict.holds ? "True" : "False";
  std::string since = format_time_seconds(wall_now);
  const auto before = previous.find("conditions");
  if (before != previous.end() && before->is_array()) {
    for (const Json& old : *before) {
      if (old.value("type", "") != type || old.value("status", "") != status) continue;
      const auto time = old.find("lastTransitionTime");
      if (time != old.end() && time->is_string()) since = *time;
    }
  }
  // Null removes what an earlier patch set.
  Json result = {{"type", type}, {"status", status}, {"lastTransitionTime", since}};
  result["reason"] = verdict.reason.empty() ? Json() : Json(verdict.reason);
  result["message"] = verdict.message.empty() ? Json() : Json(verdict.message);
  return result;
}

}  // namespace

std::string pod_phase(const PodState& pod) {
  if (pod.failed_to_initialize()) return "Failed";
  const Counts counts = count(pod);
  if (all_ended_for_good(pod)) return counts.failed > 0 ? "Failed" : "Succeeded";
  if (!pod.initialized()) return "Pending";
  if (pod.deleting() && counts.running == 0 && counts.ended == counts.mains) {
    return counts.failed > 0 ? "Failed" : "Succeeded";
  }
  return counts.never_started > 0 ? "Pending" : "Running";
}

Json pod_status(const PodState& pod, const Json& previous, Millis wall_now) {
  const std::string phase = pod_phase(pod);
  const Verdict ready = containers_ready(pod, phase);
  Json status = {{"phase", phase},
                 {"startTime", format_time_seconds(pod.begun())},
                 {"hostIP", kHostAddress},
                 {"podIP", kHostAddress},
                 {"podIPs", {{{"ip", kHostAddress}}}}};
  status["conditions"] = {condition("PodScheduled", {}, previous, wall_now),
                          condition("Initialized", initialized(pod), previous, wall_now),
                          condition("ContainersReady", ready, previous, wall_now),
                          condition("Ready", ready, previous, wall_now)};
  Json init = Json::array();
  Json mains = Json::array();
  for (std::size_t i = 0; i < pod.containers().size(); ++i) {
    const ContainerSpec& spec = pod.spec().containers[i];
    (spec.kind == ContainerKind::main ? mains : init)
        .push_back(container_status(spec, pod.containers()[i]));
  }
  if (!init.empty()) status["initContainerStatuses"] = std::move(init);
  status["containerStatuses"] = std::move(mains);
  return status;
}

}  // namespace wp::testnode
