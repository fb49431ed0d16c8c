// A fresh queue "q" on a real Redis, and the real workerpoolctl on it.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/ctl/run.h"
#include "tests/queue/fixture.h"

namespace wp::test {

inline bool holds(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("\"", text, "\" lacks \"", std::string(part), "\"");
  return found;
}

struct CtlFixture : QueueFixture {
  explicit CtlFixture(Fields fields = {}) : QueueFixture(std::move(fields)) {}

  std::string url() const { return shared_redis().url(); }
  std::map<std::string, std::string> environment() const { return {{"WP_REDIS_URL", url()}}; }

  Ran ctl(const std::vector<std::string>& words, const std::string& input = {}) const {
    Ran ran = run_ctl(words, input, environment());
    // Errors are one line each, and belong to stderr.
    if (ran.exit != 0) CHECK(ran.err.starts_with("workerpoolctl: "));
    return ran;
  }
  nlohmann::json json(std::vector<std::string> words, int exit = 0) const {
    words.insert(words.end(), {"-o", "json"});
    const Ran ran = ctl(words);
    CHECK(ran.exit == exit);
    CHECK_MESSAGE(nlohmann::json::accept(ran.out), ran.out, ran.err);
    return nlohmann::json::parse(ran.out, nullptr, false);
  }
  std::int64_t waiting() { return queue.counts().waiting; }

  static std::string batch(int jobs, const std::string& prefix = {}) {
    std::string text;
    for (int i = 0; i < jobs; ++i) {
      text += "{\"type\":\"t\",\"payload\":{\"n\": " + std::to_string(i) + "}";
      if (!prefix.empty()) text += ",\"id\":\"" + prefix + std::to_string(i) + "\"";
      text += "}\n";
    }
    return text;
  }
};

}  // namespace wp::test
