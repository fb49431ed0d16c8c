#include "operator/pool/handler_variables.h"

#include <nlohmann/json.hpp>

#include "base/units.h"

namespace wp::pool {

std::vector<std::pair<std::string, std::string>> handler_variables(const Handler& handler) {
  const auto words = [](const std::vector<std::string>& command) {
    return nlohmann::json(command).dump();
  };
  if (const auto& exec = handler.exec) {
    return {{"WP_HANDLER", "exec"},
            {"WP_HANDLER_COMMAND", words(exec->command)},
            {"WP_DEFER_EXIT_CODE", std::to_string(exec->defer_exit_code)},
            {"WP_DEAD_EXIT_CODE", std::to_string(exec->dead_exit_code)}};
  }
  if (const auto& stdio = handler.stdio) {
    return {{"WP_HANDLER", "stdio"},
            {"WP_HANDLER_COMMAND", words(stdio->command)},
            {"WP_STDIO_READY", stdio->ready ? "true" : "false"},
            {"WP_STDIO_STARTUP_TIMEOUT", format_duration(stdio->startup_timeout)}};
  }
  if (const auto& http = handler.http) {
    return {{"WP_HANDLER", "http"},
            {"WP_HTTP_URL", http->url},
            {"WP_HTTP_READY_PATH", http->ready_path.value_or("")}};
  }
  return {};
}

}  // namespace wp::pool
