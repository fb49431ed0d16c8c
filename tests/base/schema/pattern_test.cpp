#include "base/schema/pattern.h"

#include <chrono>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace wp;

namespace {

bool occurs(const Pattern& pattern, std::string_view text) {
  std::int64_t steps = 1'000'000;
  const auto found = pattern.occurs_in(text, steps);
  REQUIRE(found.has_value());
  return *found;
}

std::string error_of(std::string_view expression) {
  try {
    (void)Pattern(expression);
  } catch (const PatternError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("what a pattern finds, and what it does not") {
  struct Row {
    const char* pattern;
    std::vector<std::string> found, not_found;
  };
  using Texts = std::vector<std::string>;
  for (const Row& row : {
           Row{"", {"", "a"}, {}},
           Row{"b", {"b", "abc"}, {"", "a"}},
           Row{"^b", {"b", "bc"}, {"ab"}},
           Row{"b$", {"b", "ab"}, {"ba", "b\n"}},
           Row{"^$", {""}, {"a", "\n"}},
           Row{"^a.c$",
               {"abc",
                "a\xC3\xA4"
                "c",
                "a\xF0\x9F\x98\x80"
                "c"},
               {"ac", "a\nc", "abbc"}},
           Row{"^a*$", {"", "aaa"}, {"ab"}},
           Row{"^a+$", {"a", "aaa"}, {"", "b"}},
           Row{"^ab?c$", {"ac", "abc"}, {"abbc"}},
           Row{"^a{2}$", {"aa"}, {"a", "aaa"}},
           Row{"^a{2,}$", {"aa", "aaaaa"}, {"a"}},
           Row{"^a{1,3}$", {"a", "aaa"}, {"", "aaaa"}},
           Row{"^a{0}$", {""}, {"a"}},
           Row{"^a{0,2}?b*?$", {"", "aab"}, {"aaa"}},
           Row{"^(ab|cd|)$", {"ab", "cd", ""}, {"abcd", "a"}},
           Row{"^(?:ab)+$", {"ab", "abab"}, {"", "aba"}},
           Row{"a|^b|c$", {"xa", "bx", "xc"}, {"xb", "cx"}},
           Row{"^(a|b)*abb$", {"abb", "babaabb"}, {"ab", "abba"}},
           Row{"^((a*)*)*$", {"", "aaaa"}, {"aab"}},
           Row{"^(()*)*$", {""}, {"a"}},
           Row{"(^a|b)+c", {"abbc", "xbc"}, {"xac"}},
           Row{"^[a-cx-]+$", {"abcx-"}, {"d", ""}},
           Row{"^[-a]+$", {"-a"}, {"b"}},
           Row{"^[^a-c]$", {"d", "\n", "\xC3\xA4"}, {"a", "", "dd"}},
           Row{"^[\\d_]+$", {"12_"}, {"a"}},
           Row{"^[^\\D5]$", {"4"}, {"5", "x"}},
           Row{"^[\\]\\\\^]+$", {"]\\^"}, {"a"}},
           Row{"^[(*.$]+$", {"(*.$"}, {"a"}},
           Row{"^\\d\\D\\w\\W\\s\\S$", {"1a_- x"}, {"1a_-x ", "aa_- x"}},
           Row{"^\\s$", {" ", "\t", "\xC2\xA0", "\xE2\x80\xA8"}, {"x", ""}},
           Row{"^\\t\\n\\r\\f\\v$", {"\t\n\r\f\v"}, {}},
           Row{"^\\x41\\u00e4\\u20AC$", {"A\xC3\xA4\xE2\x82\xAC"}, {"A"}},
           Row{"^\\^\\$\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\/\\-$", {"^$.*+?()[]{}|/-"}, {}},
           Row{"^\xC3\xA4+$", {"\xC3\xA4\xC3\xA4"}, {"\xC3\xA4\xA4"}},
           Row{"^[\xC3\xA4-\xC3\xB6]$", {"\xC3\xB5"}, {"\xC3\xBC", "a"}},
           Row{"^.{2}$",
               {"\xF0\x9F\x98\x80"
                "a"},
               {"\xF0\x9F\x98\x80"}},
           Row{"^\\x00$", {std::string(1, '\0')}, Texts{"", "0"}},
           Row{"[\\w.+-]+@[\\w-]+\\.[a-z]{2,8}$", {"a.b+c@d-e.org"}, {"a@b", "@b.org"}},
       }) {
    CAPTURE(row.pattern);
    const Pattern pattern(row.pattern);
    for (const std::string& text : row.found) {
      CAPTURE(text);
      CHECK(occurs(pattern, text));
    }
    for (const std::string& text : row.not_found) {
      CAPTURE(text);
      CHECK_FALSE(occurs(pattern, text));
    }
  }
}

TEST_CASE("what is no pattern of ours is refused with the place") {
  struct Row {
    std::string pattern;
    const char* part;
  };
  const std::string deep(40, '(');
  for (const Row& row : {
           Row{"(", "( without its )"},
           Row{"a)", ") without its ( (at byte 1)"},
           Row{"[a", "[ without its ]"},
           Row{"[]", "[] is empty"},
           Row{"[^]", "[] is empty"},
           Row{"[b-a]", "wrong way round"},
           Row{"[\\d-z]", "end of a range"},
           Row{"[[:alpha:]]", "[: is not supported"},
           Row{"*a", "nothing to repeat (at byte 0)"},
           Row{"a**", "nothing to repeat (at byte 2)"},
           Row{"a{2}{3}", "nothing to repeat"},
           Row{"(|*)", "nothing to repeat"},
           Row{"^*", "an anchor can't be repeated"},
           Row{"a{", "{ begins a repeat"},
           Row{"a{x}", "{ begins a repeat"},
           Row{"a{1,2", "{ begins a repeat"},
           Row{"a{3,2}", "the wrong way"},
           Row{"a{1001}", "more than 1000"},
           Row{"a{99999999999999999999}", "more than 1000"},
           Row{"}", "a lone }"},
           Row{"]", "a lone }"},
           Row{"\\", "\\ at the end"},
           Row{"\\1", "\\1 is not supported"},
           Row{"\\b", "\\b is not supported"},
           Row{"[\\b]", "\\b is not supported"},
           Row{"\\p{L}", "\\p is not supported"},
           Row{"\\cA", "\\c is not supported"},
           Row{"\\\xC3\xA4", "\\? is not supported"},
           Row{"\\x4", "\\x takes 2"},
           Row{"\\u{41}", "\\u takes 4"},
           Row{"\\uD83D\\uDE00", "half a character"},
           Row{"(?=a)", "looking around"},
           Row{"(?<n>a)", "looking around"},
           Row{"(?i)a", "looking around"},
           Row{deep + std::string(40, ')'), "nested too deep"},
           Row{std::string(1001, 'a'), "1001 bytes: allowed are 1000"},
           Row{"((a{100}){100}){100}", "too long"},
           Row{"((){1000}){1000}", "too long"},
           Row{"(((){1000}){1000}){1000}", "too long"},
       }) {
    CAPTURE(row.pattern);
    const std::string error = error_of(row.pattern);
    CAPTURE(error);
    CHECK(error.find(row.part) != std::string::npos);
  }
}

TEST_CASE("no text takes more than the steps that are left") {
  // Each is a disaster to a matcher that tries again.
  for (const char* expression : {"^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(.*a){20}$", "(x+x+)+y",
                                 "^(a?){100}a{100}$", "(.{0,30}){30}b"}) {
    const Pattern pattern(expression);
    const std::string text = std::string(100'000, expression[1] == 'x' ? 'x' : 'a') + "!";
    std::int64_t steps = 20'000'000;
    const auto begun = std::chrono::steady_clock::now();
    const auto found = pattern.occurs_in(text, steps);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    MESSAGE(fmt::format("{}: {} steps, {:.0f} ms", expression, 20'000'000 - steps,
                        took.count() * 1000));
    CHECK((!found.has_value() || !*found));
    // One character's work may still follow.
    CHECK(steps > -20'000);
    CHECK(took.count() < 20);
  }
}

TEST_CASE("bytes that are no UTF-8 end nowhere but in the text") {
  const Pattern any("^.$");
  const Pattern replaced("^\xEF\xBF\xBD+$");
  for (const std::string& text : {std::string("\xFF"), std::string("\xC3"), std::string("\x80")}) {
    CHECK(occurs(any, text));
    CHECK(occurs(replaced, text));
  }
  CHECK(occurs(replaced, "\xF0\x9F\x98"));
  CHECK(occurs(replaced, "\xED\xFF\xFF"));
}
