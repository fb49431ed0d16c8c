// kubectl scale fixes the size; a merge patch gives it back. Bad specs are said and recovered from.
#include <doctest/doctest.h>

#include "tests/product/cluster.h"

using namespace wp;
using wp::test::eventually;
using wp::test::Product;

TEST_CASE("the scale sub-resource fixes the size, the merge patch gives it back") {
  if (!test::have_cluster()) exit(77);
  Product product;
  product.apply_pool("fixed", {"true"});
  REQUIRE(eventually([&] { return product.condition("fixed", "QueueReachable") == "True/Reached"; },
                     Millis{60000}));
  (void)product.api().patch(product.pool_path("fixed", "scale"), kube::PatchType::merge,
                            {{"spec", {{"replicas", 3}}}});
  REQUIRE(
      eventually([&] { return product.status("fixed", "/readyReplicas") == 3; }, Millis{60000}));
  CHECK(product.condition("fixed", "ScalingActive") == "False/Fixed");
  (void)product.api().patch(product.pool_path("fixed"), kube::PatchType::merge,
                            {{"spec", {{"replicas", nullptr}}}});
  REQUIRE(eventually([&] { return product.status("fixed", "/replicas") == 0; }, Millis{60000}));
  CHECK(product.condition("fixed", "ScalingActive") == "True/Automatic");
}

TEST_CASE("a foreign Deployment of the same name is left alone") {
  if (!test::have_cluster()) exit(77);
  Product product;
  const nlohmann::json foreign = {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", {{"name", "mine-worker"}}},
      {"spec",
       {{"replicas", 0},
        {"selector", {{"matchLabels", {{"app", "x"}}}}},
        {"template",
         {{"metadata", {{"labels", {{"app", "x"}}}}},
          {"spec", {{"containers", nlohmann::json::array({{{"name", "c"}, {"image", "i"}}})}}}}}}}};
  (void)product.api().create("/apis/apps/v1/namespaces/" + product.ns() + "/deployments", foreign);
  product.apply_pool("mine", {"true"});
  REQUIRE(
      eventually([&] { return product.condition("mine", "NameConflict") == "True/NameConflict"; },
                 Millis{60000}));
  CHECK_FALSE(product.deployment("mine")["metadata"].contains("ownerReferences"));
}

TEST_CASE("what is not in this version is refused by name, and a corrected spec recovers") {
  if (!test::have_cluster()) exit(77);
  Product product;
  product.apply_pool("early", {"true"}, {{"whileActive", "Hold"}});
  REQUIRE(
      eventually([&] { return product.condition("early", "InvalidSpec") == "True/Unsupported"; },
                 Millis{60000}));
  product.apply_pool("early", {"true"}, {{"whileActive", "Drain"}});
  CHECK(eventually([&] { return product.condition("early", "InvalidSpec") == "False/AsDeclared"; },
                   Millis{60000}));
}
