// The runner, put by the operator into three images that know nothing of it: Debian with Python, a
// musl system with BusyBox, and one static program in nothing. In a namespace that enforces the
// restricted profile, with read-only roots and no user that any of the images names.
#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tests/e2e/site.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;
using queue::JobState;

namespace {

struct Foreign {
  std::string pool;
  std::string image;
  std::vector<std::string> command;
  std::string payload;
  json result;
};

// What each of them answers could only come from its own program and its own libraries.
const std::vector<Foreign>& foreign() {
  static const std::vector<Foreign> all = {
      {"python",
       "workerpool.test/python:1",
       {"python3", "-c", "import json,sys; print(json.dumps({'sum': sum(json.load(sys.stdin))}))"},
       "[1, 2, 39]",
       {{"sum", 42}}},
      {"shell",
       "workerpool.test/musl:1",
       {"sh", "-c", "words=$(wc -w) && echo \"{\\\"words\\\": $words, \\\"user\\\": $(id -u)}\""},
       "one two three",
       {{"words", 3}, {"user", 65532}}},
      {"musl", "workerpool.test/musl:1", {"/bin/handler"}, "\"by musl\"", "by musl"},
      {"empty", "workerpool.test/empty:1", {"/handler"}, "\"by itself\"", "by itself"},
  };
  return all;
}

void apply(const Site& site, const Foreign& pool) {
  const json container = {{"name", "job"},
                          {"image", pool.image},
                          {"imagePullPolicy", "Never"},
                          {"securityContext", {{"readOnlyRootFilesystem", true}}}};
  site.apply_pool(
      pool.pool, {{"exec", {{"command", pool.command}}}},
      {{"workers", {{"template", {{"spec", {{"containers", json::array({container})}}}}}}}});
}

// What the pods of a pool are, for a message.
std::string story(const Site& site, const std::string& pool) {
  return run({"kubectl", "--namespace", site.ns(), "describe", "pods", "--selector",
              "workerpool.dev/pool=" + pool})
             .output +
         run({"kubectl", "--namespace", site.ns(), "logs", "--all-containers", "--selector",
              "workerpool.dev/pool=" + pool})
             .output +
         site.pool(pool).value("status", json()).dump(1) + site.operator_log();
}

}  // namespace

TEST_CASE("foreign images run jobs, restricted, with a read-only root") {
  if (!have_node()) exit(77);
  const Site site;
  must_run({"kubectl", "label", "namespace", site.ns(),
            "pod-security.kubernetes.io/enforce=restricted",
            "pod-security.kubernetes.io/enforce-version=latest"});
  // Else everything below would pass without any profile.
  CHECK(run({"kubectl", "--namespace", site.ns(), "run", "refused",
             "--image=workerpool.test/pause:1"})
            .output.find("violates PodSecurity \"restricted:latest\"") != std::string::npos);

  for (const Foreign& pool : foreign()) apply(site, pool);
  for (const Foreign& pool : foreign()) site.put(pool.pool, {{"job", pool.payload}});
  for (const Foreign& pool : foreign()) {
    const auto job = [&] {
      return site.with_queue(pool.pool, [](auto& q) { return q.job("job"); });
    };
    const bool done =
        eventually([&] { return job().state == JobState::done; }, Millis{60000}, Millis{100});
    INFO(pool.pool);
    REQUIRE_MESSAGE(done, story(site, pool.pool));
    CHECK(json::parse(job().result).at("result") == pool.result);
    CHECK(site.books(pool.pool, {"job"}).empty());
  }
}
