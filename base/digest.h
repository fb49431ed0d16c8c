// A short name for the content of a text. Safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace wp {

/// The first 16 hex digits of the SHA-256 of `text`: the same in every process and version.
std::string short_digest(std::string_view text);

}  // namespace wp
