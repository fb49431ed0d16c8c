// What a pool's pods are given, as the whole product does it: the handler's words reach it as they
// were declared, and the runner's image stays what it was when the pool was made.
#include <doctest/doctest.h>

#include "tests/product/cluster.h"

using namespace wp;
using nlohmann::json;
using wp::test::eventually;
using wp::test::Product;

namespace {

std::string image_of(const json& deployment) {
  return deployment.at("spec").at("template").at("spec").at("initContainers").at(0).at("image");
}

int generation(const json& deployment) {
  return deployment.at("metadata").at("generation");
}

// Of the pool's Deployment.
std::size_t replica_sets(Product& product, const std::string& pool) {
  return product.api()
      .list("/apis/apps/v1/namespaces/" + product.ns() + "/replicasets",
            {.label_selector = "workerpool.dev/pool=" + pool})
      .at("items")
      .size();
}

bool reconciled(Product& product, const std::string& pool) {
  return eventually([&] { return product.condition(pool, "QueueReachable") == "True/Reached"; },
                    Millis{60000});
}

}  // namespace

TEST_CASE("the words of a handler's command reach it as they are declared") {
  if (!test::have_cluster()) exit(77);
  Product product;
  product.apply_pool("words", {"sh", "-c", R"(printf '%s|' "$0" "$@")", "a$$b", "$(WP_QUEUE)",
                               "$$(HOME)", "$(NONE", "5$", "\"quoted\" \\ 'words'"});
  REQUIRE(reconciled(product, "words"));
  product.put("words", 1, "");
  REQUIRE(
      eventually([&] { return product.counts("words").stat["completed"] == 1; }, Millis{60000}));
  redis::Connection connection(product.redis().endpoint());
  connection.connect();
  const std::string result =
      queue::Queue(connection, product.queue_name("words")).job("job-0").result;
  CHECK(json::parse(result).at("result") ==
        "a$$b|$(WP_QUEUE)|$$(HOME)|$(NONE|5$|\"quoted\" \\ 'words'|");
}

TEST_CASE("an operator with another runner image rolls no worker; workers.runnerImage does") {
  if (!test::have_cluster()) exit(77);
  const json one = {{"minReplicas", 1}, {"maxReplicas", 1}};
  Product product({}, {.arguments = {"--runner-image", "example/runner:1"}});
  product.apply_pool("old", {"cat"}, one);
  REQUIRE(reconciled(product, "old"));
  REQUIRE(eventually([&] { return product.status("old", "/readyReplicas") == 1; }, Millis{60000}));
  CHECK(image_of(product.deployment("old")) == "example/runner:1");
  const int before = generation(product.deployment("old"));
  const std::string pod = product.pods("old").at(0).at("metadata").at("uid");

  product.start_operator({.arguments = {"--runner-image", "example/runner:2"}});
  product.apply_pool("new", {"cat"}, one);
  // It has looked at both: one is new, the other one has changed in what concerns no pod.
  product.apply_pool("old", {"cat"}, one, 1, {{"jobs", {{"maxAttempts", 7}}}});
  REQUIRE(eventually([&] { return product.status("new", "/readyReplicas") == 1; }, Millis{60000}));
  REQUIRE(eventually([&] {
    const json object = product.pool("old");
    return object.at("status").value("observedGeneration", 0) ==
           object.at("metadata").at("generation");
  }));
  CHECK(image_of(product.deployment("new")) == "example/runner:2");
  CHECK(image_of(product.deployment("old")) == "example/runner:1");
  CHECK(generation(product.deployment("old")) == before);
  CHECK(replica_sets(product, "old") == 1);
  CHECK(product.pods("old").at(0).at("metadata").at("uid") == pod);

  // By choice, and it stays there when the choice is taken back.
  product.apply_pool("old", {"cat"}, one, 1, {{"workers", {{"runnerImage", "example/runner:3"}}}});
  REQUIRE(eventually([&] { return replica_sets(product, "old") == 2; }, Millis{60000}));
  CHECK(image_of(product.deployment("old")) == "example/runner:3");
  const int chosen = generation(product.deployment("old"));
  product.apply_pool("old", {"cat"}, one);
  REQUIRE(eventually([&] {
    const json object = product.pool("old");
    return object.at("status").value("observedGeneration", 0) ==
           object.at("metadata").at("generation");
  }));
  CHECK(image_of(product.deployment("old")) == "example/runner:3");
  CHECK(generation(product.deployment("old")) == chosen);
}

TEST_CASE("a grace period below the drain is raised, and the pool says so") {
  if (!test::have_cluster()) exit(77);
  Product product;
  const json container = {{"name", "job"}, {"image", "example/any:1"}};
  product.apply_pool("grace", {"cat"}, json::object(), 1,
                     {{"workers",
                       {{"drainTimeout", "2m"},
                        {"template",
                         {{"spec",
                           {{"terminationGracePeriodSeconds", 30},
                            {"containers", json::array({container})}}}}}}}});
  REQUIRE(eventually([&] { return product.condition("grace", "DrainTooShort") == "False/Raised"; },
                     Millis{60000}));
  CHECK(product.deployment("grace")
            .at("spec")
            .at("template")
            .at("spec")
            .at("terminationGracePeriodSeconds") == 135);
}
