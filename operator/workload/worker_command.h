// How a local worker is started: the runner's words and its environment. Whatever is secret goes
// through the environment, never the command line, which everybody on the machine can read. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/pool/pool.h"
#include "operator/workload/child_process.h"
#include "queue/redis/endpoint.h"

namespace wp::workload {

struct WorkerIdentity {
  std::string name;  // <pool>-<number>, for people
  std::string uid;   // the first part of the worker's name in the queue
};

/// `base` is what every worker inherits (NAME=value, without WP_*). Its probe port stays closed:
/// the supervisor sees the process itself, and a worker on a laptop listens on nothing.
Command worker_command(const std::string& runner, const pool::Pool& pool,
                       const redis::Endpoint& endpoint, const WorkerIdentity& identity,
                       const std::vector<std::string>& base);

}  // namespace wp::workload
