#include "base/log.h"

#include <array>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace wp::log {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warn", "error", "off"};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  // Never destroyed: threads may still log while statics are torn down.
  static spdlog::logger* const instance = [] {
    auto* made = new spdlog::logger("wp", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

// Text that others wrote may hold broken UTF-8: it is replaced, never thrown on.
std::string quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_json(const Value& value) {
  struct Visitor {
    std::string operator()(std::string_view text) const { return quoted(text); }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return nlohmann::json(number).dump(); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  };
  return std::visit(Visitor{}, value.get());
}

}  // namespace

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}

bool parse_level(std::string_view name, Level& level) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      level = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

std::string format_line(std::string_view timestamp, Level level, std::string_view message,
                        Fields fields) {
  std::string line = "{\"ts\":" + quoted(timestamp) + ",\"level\":\"" +
                     std::string(kNames[static_cast<std::size_t>(level)]) +
                     "\",\"msg\":" + quoted(message);
  for (const Field& field : fields) line += "," + quoted(field.key) + ":" + to_json(field.value);
  return line + "}";
}

void write(Level level, std::string_view message, Fields fields) {
  spdlog::logger& out = logger();
  if (!out.should_log(to_spdlog(level))) return;
  const std::string line = format_line(format_time(system_clock().wall()), level, message, fields);
  out.log(to_spdlog(level), "{}", line);
}

}  // namespace wp::log
