#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "operator/pool/event_reasons.h"
#include "tests/operator/pool/support.h"

using namespace wp::pool;

namespace {

template <typename List>
void check_words(const List& list) {
  static const std::regex camel("^[A-Z][A-Za-z]{2,63}$");
  std::set<std::string> seen;
  for (const std::string_view word : list) {
    CHECK(std::regex_match(std::string(word), camel));
    CHECK(seen.insert(std::string(word)).second);
  }
}

std::string header() {
  std::ifstream file(std::string(std::getenv("WORKERPOOL_SOURCE")) +
                     "/operator/pool/event_reasons.h");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("each word is CamelCase and stands once") {
  check_words(event::kNormal);
  check_words(event::kWarning);
  check_words(condition::kAll);
  check_words(cause::kAll);
  check_words(reason::kAll);
  check_words(ramp_state::kAll);
}

TEST_CASE("each list holds every word of its namespace") {
  const std::string text = header();
  const auto words_of = [&text](const std::string& name) {
    const std::size_t begin = text.find("namespace " + name + " {");
    REQUIRE(begin != std::string::npos);
    const std::string part = text.substr(begin, text.find("}  // namespace " + name) - begin);
    static const std::regex constant("std::string_view k[A-Za-z]+\\s*=\\s*\"([A-Za-z]+)\"");
    std::multiset<std::string> words;
    for (std::sregex_iterator it(part.begin(), part.end(), constant), end; it != end; ++it) {
      words.insert((*it)[1]);
    }
    return words;
  };
  const auto words_in = [](const auto& list) {
    return std::multiset<std::string>(list.begin(), list.end());
  };
  CHECK(words_of("condition") == words_in(condition::kAll));
  CHECK(words_of("reason") == words_in(reason::kAll));
  CHECK(words_of("cause") == words_in(cause::kAll));
  CHECK(words_of("ramp_state") == words_in(ramp_state::kAll));
}

TEST_CASE("no event reason is both normal and a warning, and the list is whole") {
  std::set<std::string_view> all(event::kNormal.begin(), event::kNormal.end());
  all.insert(event::kWarning.begin(), event::kWarning.end());
  CHECK(all.size() == event::kNormal.size() + event::kWarning.size());

  // Every constant of namespace event is in one of the two lists.
  const std::string text = header();
  const std::string events = text.substr(0, text.find("namespace condition"));
  static const std::regex constant("std::string_view k([A-Za-z]+)\\s*=\\s*\"([A-Za-z]+)\"");
  std::size_t count = 0;
  for (std::sregex_iterator it(events.begin(), events.end(), constant), end; it != end; ++it) {
    CHECK((*it)[1] == (*it)[2]);
    CHECK(all.contains(std::string_view((*it)[2].str())));
    ++count;
  }
  CHECK(count == all.size());
}
