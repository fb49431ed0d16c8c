// Values of a document that may be absent: null then, so that every answer has the same keys.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace wp::ctl {

template <typename T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

/// An empty text is absent.
inline nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

/// In milliseconds.
inline nlohmann::ordered_json ms_or_null(const std::optional<Millis>& value) {
  return value ? nlohmann::ordered_json(value->count()) : nlohmann::ordered_json(nullptr);
}

/// RFC 3339; 0 is absent.
inline nlohmann::ordered_json time_or_null(Millis since_epoch) {
  return since_epoch > Millis{0} ? nlohmann::ordered_json(format_time(since_epoch))
                                 : nlohmann::ordered_json(nullptr);
}

}  // namespace wp::ctl
