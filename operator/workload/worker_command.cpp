#include "operator/workload/worker_command.h"

#include "base/units.h"
#include "operator/pool/handler_variables.h"
#include "queue/redis/settings.h"

namespace wp::workload {

Command worker_command(const std::string& runner, const pool::Pool& pool,
                       const redis::Endpoint& endpoint, const WorkerIdentity& identity,
                       const std::vector<std::string>& base) {
  Command command;
  command.words = {runner};
  command.environment = base;
  const auto set = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) command.environment.push_back(name + "=" + value);
  };
  for (const auto& [name, value] : redis::to_environment(endpoint)) set(name, value);
  set("WP_QUEUE", pool.spec.queue.name);
  set("WP_CONCURRENCY", std::to_string(pool.spec.workers.concurrency));
  for (const auto& [name, value] : pool::handler_variables(pool.spec.workers.handler))
    set(name, value);
  set("WP_WORKER_ID", identity.uid);
  set("WP_POD_NAME", identity.name);
  set("WP_DRAIN_TIMEOUT", format_duration(pool.spec.workers.drain_timeout));
  set("WP_PROBE_ADDR", "off");
  return command;
}

}  // namespace wp::workload
