#include "operator/kube/store.h"

#include <doctest/doctest.h>

namespace wp::kube {
namespace {

struct Pod {
  std::string name;
  std::string owner;
};

std::shared_ptr<const Pod> pod(const std::string& name, const std::string& owner) {
  return std::make_shared<const Pod>(Pod{name, owner});
}

std::vector<std::string> names(const std::vector<std::shared_ptr<const Pod>>& pods) {
  std::vector<std::string> result;
  for (const auto& one : pods) result.push_back(one->name);
  return result;
}

using Names = std::vector<std::string>;

TEST_CASE("the index follows every change") {
  Store<Pod> store([](const Pod& one) { return Names{one.owner}; });
  store.set("b", pod("b", "x"));
  store.set("a", pod("a", "x"));
  store.set("c", pod("c", "y"));
  CHECK(names(store.by_index("x")) == Names{"a", "b"});
  const auto held = store.get("a");
  CHECK(store.set("a", pod("a", "y"))->owner == "x");
  CHECK(held->owner == "x");  // what a reader holds does not change
  CHECK(names(store.by_index("x")) == Names{"b"});
  CHECK(names(store.by_index("y")) == Names{"a", "c"});
  store.set("b", nullptr);
  CHECK(store.by_index("x").empty());
  CHECK(store.set("nothing", nullptr) == nullptr);
  CHECK(store.size() == 2);
}

TEST_CASE("a replacement tells what is new, what changed and what vanished") {
  Store<Pod> store([](const Pod& one) { return Names{one.owner}; });
  store.set("gone", pod("gone", "x"));
  store.set("kept", pod("kept", "x"));
  Store<Pod>::Objects fresh;
  fresh["kept"] = pod("kept", "y");
  fresh["new"] = pod("new", "y");
  std::map<std::string, std::pair<bool, bool>> seen;
  for (const auto& change : store.replace(std::move(fresh))) {
    seen[change.key] = {change.before != nullptr, change.after != nullptr};
  }
  CHECK(seen ==
        decltype(seen){{"gone", {true, false}}, {"kept", {true, true}}, {"new", {false, true}}});
  CHECK(names(store.list()) == Names{"kept", "new"});
  CHECK(store.by_index("x").empty());
}

}  // namespace
}  // namespace wp::kube
