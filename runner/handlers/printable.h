// Bytes that somebody else wrote, as text that can be stored and shown. Pure.
#pragma once

#include <string>
#include <string_view>

namespace wp::runner {

/// Whether all of it is well-formed UTF-8.
bool is_utf8(std::string_view bytes);

/// UTF-8 of at most `limit` bytes, cut between characters: what is none becomes U+FFFD, control
/// characters but tabs and newlines become spaces; without white space at both ends.
std::string printable(std::string_view bytes, std::size_t limit);

/// The same in one line: tabs and newlines become spaces too.
std::string printable_line(std::string_view bytes, std::size_t limit);

/// Of at most `limit` bytes, with what is no printable UTF-8 as \n, \t, \xNN, and an ellipsis for
/// what is left out: where a stray byte may be the very thing to be found.
std::string escaped(std::string_view bytes, std::size_t limit);

}  // namespace wp::runner
