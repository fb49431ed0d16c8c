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

}  // namespace

TEST_CASE("each word is CamelCase and stands once") {
  check_words(event::kNormal);
  check_words(event::kWarning);
  check_words(condition::kAll);
  check_words(cause::kAll);
}

TEST_CASE("no event reason is both normal and a warning, and the list is whole") {
  std::set<std::string_view> all(event::kNormal.begin(), event::kNormal.end());
  all.insert(event::kWarning.begin(), event::kWarning.end());
  CHECK(all.size() == event::kNormal.size() + event::kWarning.size());

  // Every constant of namespace event is in one of the two lists.
  std::ifstream file(std::string(std::getenv("WORKERPOOL_SOURCE")) +
                     "/operator/pool/event_reasons.h");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
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
