// The handlers that need no program: for tests, load tests and a first taste.
//
//   noop    completes at once            echo    completes with its payload
//   sleep   "500ms" or {"ms": 500}       fail    fails, with the payload as the message
//   memory  "64" MiB or {"mib": 64, "ms": 1000}: allocates, touches, holds, completes
//   crash   aborts the whole runner
//
// Waiting is a timer: a thousand sleeping jobs cost no thread. Handler loop's thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runner/event_loop.h"
#include "runner/handlers/handler.h"

namespace wp::runner {

enum class BuiltinKind { noop, echo, sleep, fail, crash, memory };

/// Absent when the name is none of the six.
std::optional<BuiltinKind> parse_builtin(std::string_view name);

/// The payload of `sleep`: a duration such as 500ms, or {"ms": 500}. Absent when it is neither.
std::optional<Millis> parse_sleep(std::string_view payload);

struct MemoryOrder {
  std::int64_t mib = 0;
  Millis hold{0};
};
/// The payload of `memory`: MiB as a number from 0 to 65536, or {"mib": 64, "ms": 1000}.
std::optional<MemoryOrder> parse_memory(std::string_view payload);

class BuiltinHandler : public Handler {
 public:
  BuiltinHandler(BuiltinKind kind, EventLoop& loop, HandlerEvents& events)
      : kind_(kind), loop_(loop), events_(events) {}

  void start(Task task) override;
  void stop(std::int64_t epoch, const Stop& stop) override;

 private:
  struct Waiting {
    EventLoop::TimerId timer = 0;
    Millis started{0};
    std::string memory;
  };

  void wait(std::int64_t epoch, Millis delay, std::string memory);
  void end(std::int64_t epoch, Ending ending);

  BuiltinKind kind_;
  EventLoop& loop_;
  HandlerEvents& events_;
  std::unordered_map<std::int64_t, Waiting> waiting_;
};

}  // namespace wp::runner
