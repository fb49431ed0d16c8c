// Base64 as RFC 4648 has it, with padding, on one line. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wp {

std::string to_base64(std::string_view bytes);
/// Absent when the text is none, also for blanks and newlines in it.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace wp
