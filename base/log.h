// Structured logs: one JSON object per line on stderr, a constant message and fields.
//
//   log::info("worker registered", {{"worker", id}, {"slots", 4}});
//   {"ts":"2026-11-21T06:32:38.123Z","level":"info","msg":"worker
//   registered","worker":"…","slots":4}
//
// Safe from any thread; a line is never torn. Callers never pass secrets: nothing is redacted here.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace wp::log {

enum class Level { debug, info, warn, error, off };

class Value {
 public:
  Value(std::string_view text) : value_(text) {}
  Value(const char* text) : value_(std::string_view(text)) {}
  Value(const std::string& text) : value_(std::string_view(text)) {}
  template <std::same_as<bool> T>
  Value(T flag) : value_(flag) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Value(T number) : value_(static_cast<std::int64_t>(number)) {}
  template <std::floating_point T>
  Value(T number) : value_(static_cast<double>(number)) {}

  using Variant = std::variant<std::string_view, std::int64_t, double, bool>;
  const Variant& get() const { return value_; }

 private:
  Variant value_;
};

struct Field {
  std::string_view key;
  Value value;
};
using Fields = std::initializer_list<Field>;

/// Lines below this level are dropped. The default is info.
void set_level(Level level);
/// debug | info | warn | error | off; false when the name is none of these.
bool parse_level(std::string_view name, Level& level);

/// The line that would be written (without its newline), for tests.
std::string format_line(std::string_view timestamp, Level level, std::string_view message,
                        Fields fields);

void write(Level level, std::string_view message, Fields fields);
inline void debug(std::string_view message, Fields fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
  write(Level::info, message, fields);
}
inline void warn(std::string_view message, Fields fields = {}) {
  write(Level::warn, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
  write(Level::error, message, fields);
}

}  // namespace wp::log
