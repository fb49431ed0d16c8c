// A pod as this node needs it, read from the API's JSON. Values; made on the reflector's thread and
// handed to the loop as immutable objects.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace wp::testnode {

using Json = nlohmann::json;

/// `sidecar` is an init container with restartPolicy Always: started in the order of the init
/// containers, but it keeps running beside the main ones and outlives them.
enum class ContainerKind { init, sidecar, main };

enum class RestartPolicy { always, on_failure, never };

struct ContainerSpec {
  std::string name;
  std::string image;
  ContainerKind kind = ContainerKind::main;
  std::vector<std::string> command;  // as in the object: without it the image's own would run
  std::vector<std::string> args;
  Json env = Json::array();
  Json env_from = Json::array();
  int earlier_starts = 0;  // by an earlier process that played this node
};

struct PodSpec {
  std::string ns;
  std::string name;
  std::string uid;
  std::string node;
  std::string service_account;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  RestartPolicy restart_policy = RestartPolicy::always;
  Millis grace{30000};
  std::vector<ContainerSpec> containers;  // those of initContainers first, in order
  Json status;                            // as the API server holds it
  bool finished = false;                  // phase Succeeded or Failed
  std::optional<Millis> deletion_grace;   // set once deletion was asked for
};

/// Throws nlohmann::json::exception when the object is no pod.
PodSpec parse_pod(const Json& object);

}  // namespace wp::testnode
