// The whole text of a file that a user named. Throws UsageError of one line.
#pragma once

#include <string>

namespace wp::simulate {

/// "-" is standard input.
std::string read_text(const std::string& file);

/// How messages call it.
std::string shown_name(const std::string& file);

}  // namespace wp::simulate
