#include "queue/redis/error.h"

#include <array>
#include <utility>

namespace wp::redis {

std::string_view to_string(ErrorClass error) {
  switch (error) {
    case ErrorClass::refused:
      return "Refused";
    case ErrorClass::timeout:
      return "Timeout";
    case ErrorClass::closed:
      return "Closed";
    case ErrorClass::tls:
      return "Tls";
    case ErrorClass::auth:
      return "Auth";
    case ErrorClass::permission:
      return "Permission";
    case ErrorClass::loading:
      return "Loading";
    case ErrorClass::read_only:
      return "ReadOnly";
    case ErrorClass::out_of_memory:
      return "OutOfMemory";
    case ErrorClass::no_script:
      return "NoScript";
    case ErrorClass::wrong_type:
      return "WrongType";
    case ErrorClass::protocol:
      return "Protocol";
    case ErrorClass::server:
      return "Server";
  }
  return "Server";
}

namespace {

// Redis 6: "ERR Error running script (call to f_…): @user_script:7: -READONLY You can't …".
std::string_view cause_within(std::string_view message) {
  if (!message.starts_with("ERR Error running script")) return message;
  constexpr std::string_view kCause = ": -";
  const std::size_t cause = message.find(kCause);
  return cause == std::string_view::npos ? message : message.substr(cause + kCause.size());
}

}  // namespace

ErrorClass classify_reply(std::string_view message) {
  static constexpr std::array<std::pair<std::string_view, ErrorClass>, 13> kPrefixes = {{
      {"NOAUTH", ErrorClass::auth},
      {"WRONGPASS", ErrorClass::auth},
      {"ERR AUTH", ErrorClass::auth},
      {"ERR invalid password", ErrorClass::auth},
      // Who has not said a password may only send short commands.
      {"ERR Protocol error: unauthenticated", ErrorClass::auth},
      {"NOPERM", ErrorClass::permission},
      {"LOADING", ErrorClass::loading},
      {"MASTERDOWN", ErrorClass::loading},
      {"READONLY", ErrorClass::read_only},
      {"OOM", ErrorClass::out_of_memory},
      {"NOSCRIPT", ErrorClass::no_script},
      {"WRONGTYPE", ErrorClass::wrong_type},
      {"ERR Protocol error", ErrorClass::protocol},
  }};
  // What a script may not run for its user: "ERR" and no word of its own (Redis 6 and 7.0; later).
  if (message.find("The user executing the script can't") != std::string_view::npos ||
      message.starts_with("ERR ACL failure in script")) {
    return ErrorClass::permission;
  }
  message = cause_within(message);
  for (const auto& [prefix, error] : kPrefixes) {
    if (message.starts_with(prefix)) return error;
  }
  return ErrorClass::server;
}

std::string_view Error::loggable() const {
  switch (class_) {
    case ErrorClass::refused:
    case ErrorClass::timeout:
    case ErrorClass::closed:
    case ErrorClass::tls:
      return what();
    default:
      return "an error reply";
  }
}

}  // namespace wp::redis
