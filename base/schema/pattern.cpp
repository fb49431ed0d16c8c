#include "base/schema/pattern.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace wp {
namespace {

using Op = PatternInstruction::Op;

bool contains(const CodePoints& ranges, char32_t c) {
  const auto behind =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](char32_t value, const auto& range) { return value < range.first; });
  return behind != ranges.begin() && c <= std::prev(behind)->second;
}

// The instructions at which the text so far may stand, each once.
class Places {
 public:
  explicit Places(const std::vector<PatternInstruction>& program)
      : program_(program), seen_(program.size(), 0) {}

  void clear() {
    ++round_;
    at_.clear();
  }
  const std::vector<std::size_t>& at() const { return at_; }

  // Adds an instruction, and what follows without a character. Answers whether one is the match.
  bool add(std::size_t first, bool at_begin, bool at_end, std::int64_t& steps) {
    waiting_.assign(1, first);
    while (!waiting_.empty()) {
      const std::size_t place = waiting_.back();
      waiting_.pop_back();
      --steps;
      if (seen_[place] == round_) continue;
      seen_[place] = round_;
      const PatternInstruction& instruction = program_[place];
      switch (instruction.op) {
        case Op::match:
          return true;
        case Op::set:
          at_.push_back(place);
          break;
        case Op::jump:
          waiting_.push_back(instruction.a);
          break;
        case Op::split:
          waiting_.push_back(instruction.b);
          waiting_.push_back(instruction.a);
          break;
        case Op::begin:
          if (at_begin) waiting_.push_back(place + 1);
          break;
        case Op::end:
          if (at_end) waiting_.push_back(place + 1);
          break;
      }
    }
    return false;
  }

 private:
  const std::vector<PatternInstruction>& program_;
  std::vector<std::size_t> seen_;  // the round in which an instruction was added last
  std::size_t round_ = 1;
  std::vector<std::size_t> at_, waiting_;
};

}  // namespace

Pattern::Pattern(std::string_view expression)
    : expression_(expression), program_(compile_pattern(expression)) {}

std::optional<bool> Pattern::occurs_in(std::string_view text, std::int64_t& steps) const {
  steps -= static_cast<std::int64_t>(program_.instructions.size() / 2);  // what making these costs
  Places one(program_.instructions);
  Places other(program_.instructions);
  Places* now = &one;
  Places* next = &other;
  for (std::size_t at = 0;;) {
    const bool at_end = at == text.size();
    // It may begin at any place of the text.
    if (now->add(0, at == 0, at_end, steps)) return true;
    if (at_end) return false;
    if (steps < 0) return std::nullopt;
    const char32_t c = next_code_point(text, at);
    next->clear();
    for (const std::size_t place : now->at()) {
      --steps;
      if (!contains(program_.sets[program_.instructions[place].a], c)) continue;
      if (next->add(place + 1, false, at == text.size(), steps)) return true;
    }
    std::swap(now, next);
  }
}

}  // namespace wp
