// The fault itself: a controller that sees its pods late removes the wrong one, and sees all else
// in time. Without this, the tests beside it would prove nothing.
#include <algorithm>
#include <doctest/doctest.h>
#include <iostream>

#include "tests/product/crew.h"

using namespace wp;
using wp::test::delay_controllers;
using wp::test::eventually;
using wp::test::Product;

namespace {

using Json = nlohmann::json;

constexpr int kPods = 10;
constexpr Millis kLate{5000};  // longer than a busy machine takes to do the rest

// Pods without a WorkerPool, so that no operator has a say.
class Bare {
 public:
  explicit Bare(Product& product)
      : product_(product), path_("/apis/apps/v1/namespaces/" + product.ns() + "/deployments") {
    const Json selected = {{"app", "bare"}};
    const Json labels = {{"app", "bare"}, {"known", "yes"}};
    const Json container = {
        {"name", "c"}, {"image", "any"}, {"command", Json::array({"sleep", "3600"})}};
    const Json template_spec = {{"terminationGracePeriodSeconds", 1},
                                {"containers", Json::array({container})}};
    (void)product_.api().create(
        path_, {{"apiVersion", "apps/v1"},
                {"kind", "Deployment"},
                {"metadata", {{"name", "bare"}}},
                {"spec",
                 {{"replicas", kPods},
                  {"selector", {{"matchLabels", selected}}},
                  {"template", {{"metadata", {{"labels", labels}}}, {"spec", template_spec}}}}}});
    path_ += "/bare";
  }

  Json pods() {
    return product_.api()
        .list("/api/v1/namespaces/" + product_.ns() + "/pods", {.label_selector = "app=bare"})
        .at("items");
  }
  bool ready(int pods) {
    const Json live = product_.api().get(path_);
    return live["status"].value("readyReplicas", 0) == pods &&
           live["status"].value("observedGeneration", 0) == live["metadata"]["generation"];
  }
  /// Waits until the controller knows of everything that happened to the pods so far: it counts
  /// those with all labels of the template from its own memory.
  void wait_known() {
    const std::string pod = pods().front()["metadata"]["name"];
    for (const char* known : {"no", "yes"}) {
      change(pod, {{"labels", {{"known", known}}}});
      const int labelled = kPods - (known == std::string("no") ? 1 : 0);
      REQUIRE(eventually(
          [&] { return replica_set()["status"].value("fullyLabeledReplicas", 0) == labelled; },
          Millis{60000}, Millis{5}));
    }
  }
  void scale(int replicas) {
    (void)product_.api().patch(path_, kube::PatchType::merge, {{"spec", {{"replicas", replicas}}}});
  }
  /// What everybody does who does not know better: the cost is acknowledged, so it is known.
  void choose(const std::string& pod) { set_cost(pod, "-1000"); }
  void forget_choices() {
    for (const Json& pod : pods()) set_cost(pod["metadata"]["name"], nullptr);
  }

 private:
  void set_cost(const std::string& pod, const Json& cost) {
    change(pod, {{"annotations", {{"controller.kubernetes.io/pod-deletion-cost", cost}}}});
  }
  void change(const std::string& pod, const Json& metadata) {
    (void)product_.api().patch("/api/v1/namespaces/" + product_.ns() + "/pods/" + pod,
                               kube::PatchType::merge, {{"metadata", metadata}});
  }
  Json replica_set() {
    return product_.api()
        .list("/apis/apps/v1/namespaces/" + product_.ns() + "/replicasets",
              {.label_selector = "app=bare"})
        .at("items")
        .at(0);
  }

  Product& product_;
  std::string path_;
};

// Of those that nobody has deleted.
std::set<std::string> names(const Json& pods) {
  std::set<std::string> found;
  for (const Json& pod : pods) {
    if (!pod["metadata"].contains("deletionTimestamp")) found.insert(pod["metadata"]["name"]);
  }
  return found;
}

std::string ready_since(const Json& pod) {
  for (const Json& condition : pod["status"]["conditions"]) {
    if (condition["type"] == "Ready") return condition["lastTransitionTime"];
  }
  return {};
}

// Left alone, the controller takes the newest of all that are ready, and among those of about one
// age the smallest uid. This pod is the oldest, and has not the smallest uid.
std::string least_likely(const Json& pods) {
  std::set<std::string> uids;
  for (const Json& pod : pods) uids.insert(pod["metadata"]["uid"].get<std::string>());
  const Json* found = nullptr;
  for (const Json& pod : pods) {
    if (pod["metadata"]["uid"] == *uids.begin()) continue;
    if (found == nullptr || ready_since(pod) < ready_since(*found)) found = &pod;
  }
  return (*found)["metadata"]["name"];
}

// True when the pod that was chosen is the one that goes.
bool chosen_one_goes(Bare& bare) {
  bare.scale(kPods);
  REQUIRE(eventually([&] { return bare.ready(kPods) && bare.pods().size() == kPods; },
                     Millis{60000}, Millis{20}));
  bare.forget_choices();
  bare.wait_known();
  const Json all = bare.pods();
  const std::string chosen = least_likely(all);
  bare.choose(chosen);
  bare.scale(kPods - 1);
  std::set<std::string> gone;
  REQUIRE(eventually(
      [&] {
        gone = names(all);
        const Json now = bare.pods();
        for (const std::string& name : names(now)) gone.erase(name);
        return !gone.empty();
      },
      Millis{60000}, Millis{2}));
  return gone == std::set<std::string>{chosen};
}

}  // namespace

TEST_CASE("a controller that sees its pods late removes the wrong one") {
  if (!test::have_late_cluster()) exit(77);
  delay_controllers(Millis{0});
  Product product;
  Bare bare(product);
  const int tries = test::soak() ? 3 : 1;
  for (const Millis late : {Millis{0}, Millis{300}, kLate}) {
    delay_controllers(late);
    int right = 0;
    for (int i = 0; i < tries; ++i) right += chosen_one_goes(bare) ? 1 : 0;
    std::cout << "a deletion cost and one pod less, the controller " << late.count()
              << " ms late: the right one went in " << right << " of " << tries << " tries\n";
    // At no delay it is luck, and mostly good.
    if (late == kLate) CHECK(right == 0);
  }
  delay_controllers(Millis{0});
}

TEST_CASE("it sees everything but its pods in time") {
  if (!test::have_late_cluster()) exit(77);
  Product product;
  Bare bare(product);
  REQUIRE(eventually([&] { return bare.ready(kPods); }, Millis{60000}, Millis{20}));
  delay_controllers(kLate);
  const Millis begun = system_clock().steady();
  bare.scale(kPods + 2);
  // By way of the Deployment's and the ReplicaSet's watches.
  REQUIRE(eventually([&] { return bare.pods().size() == kPods + 2; }, Millis{60000}));
  const Millis made = system_clock().steady() - begun;
  REQUIRE(eventually([&] { return bare.ready(kPods + 2); }, Millis{60000}));
  const Millis ready = system_clock().steady() - begun;
  delay_controllers(Millis{0});
  std::cout << "two more pods made after " << made.count() << " ms, and seen to be ready after "
            << ready.count() << " ms\n";
  CHECK(made < kLate);
  CHECK(ready >= kLate);
}
