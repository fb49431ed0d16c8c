#include "base/schema/pattern_program.h"

#include <algorithm>
#include <fmt/format.h>
#include <string>

namespace wp {
namespace {

using Op = PatternInstruction::Op;

constexpr char32_t kLastCodePoint = 0x10FFFF;
constexpr int kEndless = -1;

CodePoints normalized(CodePoints ranges) {
  std::sort(ranges.begin(), ranges.end());
  CodePoints out;
  for (const auto& [first, last] : ranges) {
    if (!out.empty() && first <= out.back().second + 1) {
      out.back().second = std::max(out.back().second, last);
    } else {
      out.emplace_back(first, last);
    }
  }
  return out;
}

CodePoints complement(const CodePoints& ranges) {
  CodePoints out;
  char32_t next = 0;
  for (const auto& [first, last] : normalized(ranges)) {
    if (first > next) out.emplace_back(next, first - 1);
    next = last + 1;
  }
  if (next <= kLastCodePoint) out.emplace_back(next, kLastCodePoint);
  return out;
}

const CodePoints& digits() {
  static const CodePoints ranges = {{'0', '9'}};
  return ranges;
}
const CodePoints& word_characters() {
  static const CodePoints ranges = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return ranges;
}
const CodePoints& spaces() {
  static const CodePoints ranges = {
      {'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
      {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return ranges;
}
const CodePoints& line_ends() {
  static const CodePoints ranges = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
  return ranges;
}

struct Node {
  enum class Kind { set, begin, end, sequence, choice, repeat };
  Kind kind = Kind::sequence;
  std::size_t set = 0;
  int least = 0, most = 0;  // repeat; most: kEndless
  std::vector<Node> parts;
};

// Recursive descent; its depth is bounded by kMaxDepth.
class Parser {
 public:
  Parser(std::string_view text, std::vector<CodePoints>& sets) : text_(text), sets_(sets) {}

  Node parse() {
    Node root = choice(0);
    if (!at_end()) fail(") without its (");
    return root;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw PatternError(fmt::format("{} (at byte {})", what, at_));
  }
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  Node choice(int depth) {
    if (depth > kMaxPatternDepth) fail("groups are nested too deep");
    Node first = sequence(depth);
    if (peek() != '|') return first;
    Node out;
    out.kind = Node::Kind::choice;
    out.parts.push_back(std::move(first));
    while (take("|")) out.parts.push_back(sequence(depth));
    return out;
  }

  Node sequence(int depth) {
    Node out;
    while (!at_end() && peek() != '|' && peek() != ')') out.parts.push_back(repeated(depth));
    return out;
  }

  Node repeated(int depth) {
    Node body = atom(depth);
    Node out;
    out.kind = Node::Kind::repeat;
    if (take("*")) {
      out.most = kEndless;
    } else if (take("+")) {
      out.least = 1;
      out.most = kEndless;
    } else if (take("?")) {
      out.most = 1;
    } else if (take("{")) {
      bounds(out);
    } else {
      return body;
    }
    if (body.kind == Node::Kind::begin || body.kind == Node::Kind::end) {
      fail("an anchor can't be repeated");
    }
    (void)take("?");  // lazy: whether it occurs is the same
    out.parts.push_back(std::move(body));
    return out;
  }

  void bounds(Node& out) {
    out.least = out.most = number();
    if (take(",")) out.most = peek() == '}' ? kEndless : number();
    if (!take("}")) fail("{ begins a repeat: {n}, {n,} or {n,m}; the character is \\{");
    if (out.most != kEndless && out.most < out.least) fail("a repeat's bounds are the wrong way");
  }

  int number() {
    const std::size_t start = at_;
    int value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + (text_[at_++] - '0');
      if (value > kMaxPatternRepeat) fail("more than 1000 repeats");
    }
    if (at_ == start) fail("{ begins a repeat: {n}, {n,} or {n,m}; the character is \\{");
    return value;
  }

  Node atom(int depth) {
    if (take("(")) {
      if (!take("?:") && peek() == '?') {
        fail("looking around, named groups and flags are not supported");
      }
      Node out = choice(depth + 1);
      if (!take(")")) fail("( without its )");
      // In a sequence of its own: what an anchor in a group means stays clear to repeated().
      Node group;
      group.parts.push_back(std::move(out));
      return group;
    }
    if (take("^")) return anchor(Node::Kind::begin);
    if (take("$")) return anchor(Node::Kind::end);
    if (take(".")) return set(complement(line_ends()));
    if (take("[")) return bracket();
    if (peek() == '*' || peek() == '+' || peek() == '?') fail("nothing to repeat");
    if (peek() == '{') fail("nothing to repeat; the character is \\{");
    if (peek() == '}' || peek() == ']') fail("a lone } or ]; the characters are \\} and \\]");
    if (peek() == '\\') return set(escape());
    const char32_t c = next_code_point(text_, at_);
    return set({{c, c}});
  }

  static Node anchor(Node::Kind kind) {
    Node out;
    out.kind = kind;
    return out;
  }

  Node set(CodePoints ranges) {
    Node out;
    out.kind = Node::Kind::set;
    out.set = sets_.size();
    sets_.push_back(normalized(std::move(ranges)));
    return out;
  }

  char32_t hex(int size) {
    char32_t value = 0;
    for (int i = 0; i < size; ++i) {
      const char c = peek();
      const bool digit = c >= '0' && c <= '9';
      const bool low = c >= 'a' && c <= 'f';
      const bool high = c >= 'A' && c <= 'F';
      if (!digit && !low && !high) fail("\\x takes 2 hexadecimal digits, \\u takes 4");
      const int base = digit ? '0' : low ? 'a' - 10 : 'A' - 10;
      value = value * 16 + static_cast<char32_t>(c - base);
      ++at_;
    }
    if (value >= 0xD800 && value <= 0xDFFF) fail("half a character; write it as it is");
    return value;
  }

  // Behind a backslash: one character, or a class of them.
  CodePoints escape() {
    ++at_;
    const char c = peek();
    if (at_end()) fail("\\ at the end");
    ++at_;
    switch (c) {
      case 'd':
        return digits();
      case 'D':
        return complement(digits());
      case 'w':
        return word_characters();
      case 'W':
        return complement(word_characters());
      case 's':
        return spaces();
      case 'S':
        return complement(spaces());
      case 't':
        return {{'\t', '\t'}};
      case 'n':
        return {{'\n', '\n'}};
      case 'r':
        return {{'\r', '\r'}};
      case 'f':
        return {{'\f', '\f'}};
      case 'v':
        return {{'\v', '\v'}};
      case 'x':
      case 'u': {
        const char32_t value = hex(c == 'x' ? 2 : 4);
        return {{value, value}};
      }
      default:
        break;
    }
    constexpr std::string_view kPunctuation = "^$\\.*+?()[]{}|/-\"'!#%&,:;<=>@_`~ ";
    if (kPunctuation.find(c) == std::string_view::npos) {
      --at_;
      fail(fmt::format("\\{} is not supported", c >= ' ' && c <= '~' ? c : '?'));
    }
    const auto value = static_cast<char32_t>(static_cast<unsigned char>(c));
    return {{value, value}};
  }

  static bool is_one(const CodePoints& ranges) {
    return ranges.size() == 1 && ranges[0].first == ranges[0].second;
  }

  CodePoints bracket_part() {
    if (at_end()) fail("[ without its ]");
    if (peek() == '\\') return escape();
    if (text_.substr(at_).starts_with("[:")) fail("[: is not supported; write the characters");
    const char32_t c = next_code_point(text_, at_);
    return {{c, c}};
  }

  Node bracket() {
    const bool negated = take("^");
    CodePoints all;
    while (!take("]")) {
      CodePoints part = bracket_part();
      const bool range = peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      if (range) {
        ++at_;
        const CodePoints last = bracket_part();
        if (!is_one(part) || !is_one(last)) fail("a class can't be the end of a range");
        if (last[0].first < part[0].first) fail("a range is the wrong way round");
        part[0].second = last[0].first;
      }
      all.insert(all.end(), part.begin(), part.end());
    }
    if (all.empty()) fail("[] is empty");
    return set(negated ? complement(all) : all);
  }

  std::string_view text_;
  std::vector<CodePoints>& sets_;
  std::size_t at_ = 0;
};

class Compiler {
 public:
  explicit Compiler(std::vector<PatternInstruction>& program) : program_(program) {}

  void compile(const Node& node) {
    // Also what becomes no instruction costs: empty groups may be repeated, and nested.
    if (++visits_ > 4 * kMaxPatternInstructions) too_long();
    switch (node.kind) {
      case Node::Kind::set:
        (void)add({Op::set, node.set, 0});
        break;
      case Node::Kind::begin:
        (void)add({Op::begin, 0, 0});
        break;
      case Node::Kind::end:
        (void)add({Op::end, 0, 0});
        break;
      case Node::Kind::sequence:
        for (const Node& part : node.parts) compile(part);
        break;
      case Node::Kind::choice:
        choice(node);
        break;
      case Node::Kind::repeat:
        repeat(node);
        break;
    }
  }

  void finish() { (void)add({Op::match, 0, 0}); }

 private:
  [[noreturn]] static void too_long() {
    throw PatternError("becomes too long when its repeats are written out");
  }

  std::size_t add(PatternInstruction instruction) {
    if (program_.size() >= kMaxPatternInstructions) too_long();
    program_.push_back(instruction);
    return program_.size() - 1;
  }

  void choice(const Node& node) {
    std::vector<std::size_t> jumps;
    for (std::size_t i = 0; i + 1 < node.parts.size(); ++i) {
      const std::size_t split = add({Op::split, program_.size() + 1, 0});
      compile(node.parts[i]);
      jumps.push_back(add({Op::jump, 0, 0}));
      program_[split].b = program_.size();
    }
    compile(node.parts.back());
    for (const std::size_t jump : jumps) program_[jump].a = program_.size();
  }

  void repeat(const Node& node) {
    const Node& body = node.parts.front();
    for (int i = 0; i < node.least; ++i) compile(body);
    if (node.most == kEndless) {
      const std::size_t split = add({Op::split, program_.size() + 1, 0});
      compile(body);
      (void)add({Op::jump, split, 0});
      program_[split].b = program_.size();
      return;
    }
    std::vector<std::size_t> splits;
    for (int i = node.least; i < node.most; ++i) {
      splits.push_back(add({Op::split, program_.size() + 1, 0}));
      compile(body);
    }
    for (const std::size_t split : splits) program_[split].b = program_.size();
  }

  std::vector<PatternInstruction>& program_;
  std::size_t visits_ = 0;
};

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at++);
  if (first < 0x80) return first;
  const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
  if (more == 0 || first > 0xF4 || at + more > text.size()) return 0xFFFD;
  char32_t value = first & (0x3FU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return 0xFFFD;
    value = value << 6U | (byte(at + i) & 0x3FU);
  }
  at += more;
  return value;
}

PatternProgram compile_pattern(std::string_view expression) {
  if (expression.size() > kMaxPatternBytes) {
    throw PatternError(
        fmt::format("{} bytes: allowed are {}", expression.size(), kMaxPatternBytes));
  }
  PatternProgram program;
  const Node root = Parser(expression, program.sets).parse();
  Compiler compiler(program.instructions);
  compiler.compile(root);
  compiler.finish();
  return program;
}

}  // namespace wp
