#include "operator/workload/worker_command.h"

#include <nlohmann/json.hpp>

#include "base/units.h"
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
  if (const auto& exec = pool.spec.workers.handler.exec) {
    set("WP_HANDLER", "exec");
    set("WP_HANDLER_COMMAND", nlohmann::json(exec->command).dump());
    set("WP_DEFER_EXIT_CODE", std::to_string(exec->defer_exit_code));
    set("WP_DEAD_EXIT_CODE", std::to_string(exec->dead_exit_code));
  }
  set("WP_WORKER_ID", identity.uid);
  set("WP_POD_NAME", identity.name);
  set("WP_DRAIN_TIMEOUT", format_duration(pool.spec.workers.drain_timeout));
  set("WP_PROBE_ADDR", "off");
  return command;
}

}  // namespace wp::workload
