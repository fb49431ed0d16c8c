#include "base/ids.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>
#include <thread>
#include <vector>

using namespace wp;

namespace {

bool only(const std::string& text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string::npos;
}

}  // namespace

TEST_CASE("job ids of many threads never repeat, and each thread's sort by their making") {
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kEach = 20'000;
  std::vector<std::vector<std::string>> made(kThreads);
  {
    std::vector<std::jthread> threads;
    for (std::vector<std::string>& mine : made) {
      threads.emplace_back([&mine] {
        mine.reserve(kEach);
        for (std::size_t i = 0; i < kEach; ++i) mine.push_back(make_job_id());
      });
    }
  }
  std::set<std::string> all;
  for (const std::vector<std::string>& mine : made) {
    // The chance counts on within a millisecond and may pass its end once in 62^6 starts: order
    // then breaks for that millisecond, uniqueness does not.
    CHECK(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  CHECK(all.size() == kThreads * kEach);
}

TEST_CASE("a job id is 13 letters and digits") {
  for (int i = 0; i < 100; ++i) {
    const std::string id = make_job_id();
    CHECK(id.size() == 13);
    CHECK(only(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"));
  }
}

TEST_CASE("random hex has the asked length, and varies beyond 64 bits") {
  for (const int digits : {0, 1, 8, 16, 17, 40}) {
    const std::string text = random_hex(digits);
    CHECK(text.size() == static_cast<std::size_t>(digits));
    CHECK(only(text, "0123456789abcdef"));
  }
  const std::string text = random_hex(32);
  CHECK(text.substr(0, 16) != text.substr(16));
  CHECK(random_hex(32) != random_hex(32));
}

TEST_CASE("a UUID has version 4 and the RFC's variant") {
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = random_uuid();
    REQUIRE(uuid.size() == 36);
    CHECK(only(uuid, "0123456789abcdef-"));
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) CHECK(uuid[dash] == '-');
    CHECK(uuid[14] == '4');
    CHECK(std::string_view("89ab").find(uuid[19]) != std::string_view::npos);
  }
}
