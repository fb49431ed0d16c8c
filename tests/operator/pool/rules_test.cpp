#include "operator/pool/rules.h"

#include "tests/operator/pool/rule_cases.h"
#include "tests/operator/pool/support.h"
#include "tests/operator/pool/url_cases.h"

using namespace wp;
using namespace wp::pool;
using nlohmann::json;

namespace {

std::string name_problem(const std::string& name) {
  nlohmann::json object = minimal_object();
  object["metadata"]["name"] = name;
  const auto found = lines(read_pool(object).problems);
  return found.empty() ? "" : found.front();
}

}  // namespace

TEST_CASE("each rule has its own line") {
  for (const RuleCase& one : kRuleCases) {
    CAPTURE(one.patch);
    CHECK(problems_of(one.patch) == std::vector<std::string>{one.line});
  }
}

TEST_CASE("what the rules allow") {
  for (const char* patch : kFinePatches) {
    CAPTURE(patch);
    CHECK(problems_of(patch).empty());
  }
}

TEST_CASE("the address of an app beside") {
  const auto fine = [](const char* url, const char* path) {
    const json http = {{"url", url}, {"readyPath", path}};
    return problems_of(json{{"workers", {{"handler", {{"exec", nullptr}, {"http", http}}}}}}.dump())
        .empty();
  };
  for (const UrlCase& one : kUrlCases) {
    CAPTURE(one.url);
    CHECK(fine(one.url, "/") == one.fine);
  }
  for (const UrlCase& one : kReadyPathCases) {
    CAPTURE(one.url);
    CHECK(fine("http://127.0.0.1/", one.url) == one.fine);
  }
}

TEST_CASE("a password in the URL never reaches a message") {
  for (const char* url : {"redis://u:hunter2@redis", "hunter2", "redis://:hunter2@", "x:hunter2@y",
                          "redis://redis/hunter2", "redis://r:6379/0?password=hunter2"}) {
    const auto found =
        problems_of(std::string(R"({"queue": {"redis": {"url": ")") + url + R"("}}})");
    REQUIRE(found.size() == 1);
    CHECK(found[0].find("hunter2") == std::string::npos);
  }
}

TEST_CASE("queue names outside the namespace by leave of the operator") {
  const char* patch = R"({"queue": {"name": "shared"}})";
  CHECK_FALSE(problems_of(patch).empty());
  CHECK(problems_of(patch, {.foreign_queue_names = true}).empty());
  CHECK(problems_of(patch, {.local = true}).empty());
}

TEST_CASE("a local pool may use a unix socket, and has to say what a job runs") {
  CHECK(problems_of(R"({"queue": {"redis": {"url": "unix:///tmp/r.sock"}}})", {.local = true})
            .empty());
  CHECK(problems_of(R"({"workers": {"handler": null}})", {.local = true}) ==
        std::vector<std::string>{
            "spec.workers.handler is missing; allowed: handler.exec.command: what a job runs"});
}

TEST_CASE("names that a Deployment of the workers can't carry") {
  CHECK(name_problem(std::string(52, 'a')).empty());
  CHECK(name_problem(std::string(53, 'a')) ==
        "metadata.name is longer than 52 characters; allowed: a shorter name: the workers are "
        "called <name>-worker");
  CHECK(name_problem("") ==
        "metadata.name is missing; allowed: lower-case letters, digits, '-' and '.'");
  CHECK(name_problem("Big").starts_with("metadata.name is \"Big\""));
}
