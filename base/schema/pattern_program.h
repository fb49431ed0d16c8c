// What a regular expression is made into (pattern.h says which may be written): instructions that
// are followed from the first on, side by side. Pure.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace wp {

inline constexpr std::size_t kMaxPatternBytes = 1000;
inline constexpr std::size_t kMaxPatternInstructions = 4000;  // repeats written out
inline constexpr int kMaxPatternRepeat = 1000;
inline constexpr int kMaxPatternDepth = 32;  // of groups

/// The message says what is wrong and where.
class PatternError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// Code points: sorted, apart, both ends included.
using CodePoints = std::vector<std::pair<char32_t, char32_t>>;

struct PatternInstruction {
  enum class Op {
    set,    // one character of set a, and on to the next instruction
    split,  // on to a, and to b
    jump,   // on to a
    begin,  // at the text's begin on to the next instruction
    end,    // at its end
    match,
  };
  Op op = Op::match;
  std::size_t a = 0, b = 0;
};

struct PatternProgram {
  std::vector<CodePoints> sets;
  std::vector<PatternInstruction> instructions;
};

/// Throws PatternError.
PatternProgram compile_pattern(std::string_view expression);

/// The code point at `at`, which is moved behind it. A byte that is no UTF-8 is U+FFFD.
char32_t next_code_point(std::string_view text, std::size_t& at);

}  // namespace wp
