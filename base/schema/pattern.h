// Regular expressions for payload schemas, matched in time linear in the text: all alternatives are
// followed at once (Thompson's simulation), so that no text makes it try again and again, as
// std::regex would. Immutable and pure: any thread. Texts are UTF-8, matched by code point.
//
// What can be written: literals, . [a-z] [^a-z] \d \D \w \W \s \S \t \n \r \f \v \xHH \uHHHH,
// ( ) and (?: ), |, * + ? {n} {n,} {n,m}, ^ and $ for the text's begin and end; each means what it
// does in ECMAScript. What needs more (back references, looking around, \b, \p, flags) is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/schema/pattern_program.h"

namespace wp {

class Pattern {
 public:
  /// Throws PatternError.
  explicit Pattern(std::string_view expression);

  /// Whether it occurs somewhere in `text`. Takes what it costs from `steps`; nothing when those
  /// are used up before it is known.
  std::optional<bool> occurs_in(std::string_view text, std::int64_t& steps) const;

  const std::string& expression() const { return expression_; }

 private:
  std::string expression_;
  PatternProgram program_;
};

}  // namespace wp
