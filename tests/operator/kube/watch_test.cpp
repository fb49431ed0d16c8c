#include "operator/kube/watch.h"

#include <doctest/doctest.h>

#include "operator/kube/document.h"

namespace wp::kube {
namespace {

using nlohmann::json;
using Do = Next::Do;

json object(const std::string& name, const std::string& version) {
  return {{"metadata", {{"namespace", "n"}, {"name", name}, {"resourceVersion", version}}}};
}

Said page(const std::string& version, std::vector<json> items, const std::string& token = "") {
  return ListAnswered{{{"metadata", {{"resourceVersion", version}, {"continue", token}}},
                       {"items", std::move(items)}}};
}

Said line(const std::string& type, json body) {
  return WatchLine{{{"type", type}, {"object", std::move(body)}}};
}

Said refused(int code, const std::string& reason = "", const std::string& cause = "") {
  KubeError::Status status{.code = code, .reason = reason};
  if (!cause.empty()) status.causes.push_back({.reason = cause});
  return RequestFailed{KubeError(status)};
}

/// "begin +a +b end", "+a", "-a": one word per event.
std::string words(const WatchMachine::Step& step) {
  struct Word {
    std::string operator()(const ReplaceBegun&) const { return "begin"; }
    std::string operator()(const ReplaceItem& item) const {
      return "*" + metadata_text(item.object, "name");
    }
    std::string operator()(const ReplaceEnded&) const { return "end"; }
    std::string operator()(const Applied& item) const {
      return "+" + metadata_text(item.object, "name");
    }
    std::string operator()(const Removed& item) const {
      return "-" + metadata_text(item.object, "name");
    }
  };
  std::string all;
  for (const WatchEvent& event : step.events) {
    all += (all.empty() ? "" : " ") + std::visit(Word{}, event);
  }
  return all;
}

WatchMachine watching(const std::string& version = "10") {
  WatchMachine machine;
  machine.step(page(version, {}));
  return machine;
}

TEST_CASE("a list in one page, then the watch from its version") {
  WatchMachine machine;
  CHECK(machine.start().what == Do::list);
  CHECK(machine.start().paged);
  const auto step = machine.step(page("10", {object("a", "3"), object("b", "9")}));
  CHECK(words(step) == "begin *a *b end");
  CHECK(step.next.what == Do::watch);
  CHECK(step.next.resource_version == "10");
  CHECK_FALSE(step.next.back_off);
  CHECK(machine.listed());
}

TEST_CASE("pages are one replacement, and the version is that of the last page") {
  WatchMachine machine;
  const auto first = machine.step(page("10", {object("a", "3")}, "more"));
  CHECK(words(first) == "begin *a");
  CHECK(first.next.what == Do::list);
  CHECK(first.next.continue_token == "more");
  CHECK_FALSE(machine.listed());
  const auto second = machine.step(page("11", {object("b", "9")}));
  CHECK(words(second) == "*b end");
  CHECK(second.next.resource_version == "11");
}

TEST_CASE("a continue token that expires: once more, in one piece, from the beginning") {
  WatchMachine machine;
  machine.step(page("10", {object("a", "3")}, "more"));
  const auto failed = machine.step(refused(410, "Expired"));
  CHECK(failed.next.what == Do::list);
  CHECK(failed.next.continue_token.empty());
  CHECK_FALSE(failed.next.paged);
  CHECK(failed.next.back_off);
  const auto whole = machine.step(page("12", {object("b", "9")}));
  CHECK(words(whole) == "begin *b end");
  machine.step(line("ERROR", {{"code", 410}}));
  CHECK(machine.step(refused(500)).next.paged);  // pages again the next time
}

TEST_CASE("a list that fails is repeated after a wait, with the server's own if it gave one") {
  WatchMachine machine;
  KubeError::Status busy{.code = 429, .retry_after = Millis{7000}};
  const auto step = machine.step(RequestFailed{KubeError(busy)});
  CHECK(step.next.what == Do::list);
  CHECK(step.next.back_off);
  CHECK(step.next.at_least == Millis{7000});
  CHECK(step.next.problem_class == "Http429");
  CHECK(machine.step(refused(403, "Forbidden")).next.problem_class == "Forbidden");
}

TEST_CASE("what is no list is not taken for an empty one") {
  for (const char* text : {"null", "{}", "[]", R"({"items":3})"}) {
    WatchMachine machine;
    const auto step = machine.step(ListAnswered{json::parse(text)});
    CHECK(step.events.empty());
    CHECK(step.next.what == Do::list);
    CHECK(step.next.back_off);
    CHECK_FALSE(machine.listed());
  }
  WatchMachine machine;
  CHECK(words(machine.step(ListAnswered{json::parse(R"({"items":null})")})) == "begin end");
}

TEST_CASE("events change objects and move the version, bookmarks only the version") {
  WatchMachine machine = watching();
  CHECK(words(machine.step(line("ADDED", object("a", "11")))) == "+a");
  CHECK(words(machine.step(line("MODIFIED", object("a", "12")))) == "+a");
  CHECK(words(machine.step(line("DELETED", object("a", "13")))) == "-a");
  CHECK(words(machine.step(line("BOOKMARK", object("", "20")))).empty());
  const auto unknown = machine.step(line("NOVELTY", object("b", "21")));
  CHECK(unknown.events.empty());
  CHECK(unknown.next.what == Do::read);
  CHECK(machine.resource_version() == "21");
  machine.step(line("ADDED", {{"metadata", {{"name", "x"}}}}));
  CHECK(machine.resource_version() == "21");  // an object without a version moves nothing
}

TEST_CASE("a watch that ends goes on at once from the last version, unless it was very short") {
  WatchMachine machine = watching();
  machine.step(line("ADDED", object("a", "11")));
  const auto ended = machine.step(WatchEnded{});
  CHECK(ended.next.what == Do::watch);
  CHECK(ended.next.resource_version == "11");
  CHECK_FALSE(ended.next.back_off);
  CHECK_FALSE(ended.next.problem);
  const auto hammering = machine.step(WatchEnded{.very_short = true});
  CHECK(hammering.next.what == Do::watch);
  CHECK(hammering.next.back_off);
}

TEST_CASE("an expired version means a new list, told in any of its ways") {
  for (const Said& said : std::initializer_list<Said>{
           refused(410, "Gone"), refused(410, "Expired"),
           refused(504, "Timeout", "ResourceVersionTooLarge"), refused(400, "BadRequest"),
           line("ERROR", {{"code", 410}, {"reason", "Expired"}}), line("ERROR", {{"code", 403}}),
           WatchLine{json::parse("{", nullptr, false)}, WatchLine{json::parse("[]")},
           WatchLine{json::parse(R"({"type":"ADDED"})")},
           WatchLine{json::parse(R"({"type":"ADDED","object":3})")}}) {
    WatchMachine machine = watching();
    const auto step = machine.step(said);
    CHECK(step.next.what == Do::list);
    CHECK(step.next.continue_token.empty());
    CHECK(step.next.back_off);
    CHECK(step.events.empty());  // nothing is forgotten before the new list is complete
  }
}

TEST_CASE("what says nothing about the version keeps it") {
  for (const Said& said : std::initializer_list<Said>{
           refused(429), refused(503), refused(403, "Forbidden"), refused(401),
           Said{RequestFailed{KubeError(Transport::connect, "refused")}},
           line("ERROR", {{"code", 429}}), line("ERROR", {{"code", 500}})}) {
    WatchMachine machine = watching("77");
    const auto step = machine.step(said);
    CHECK(step.next.what == Do::watch);
    CHECK(step.next.resource_version == "77");
    CHECK(step.next.back_off);
    CHECK(step.next.problem);
  }
}

TEST_CASE("a server that fails at one version for ever is asked for a list") {
  WatchMachine machine = watching();
  for (int i = 1; i < 5; ++i) CHECK(machine.step(refused(500)).next.what == Do::watch);
  CHECK(machine.step(refused(500)).next.what == Do::list);
  WatchMachine lively = watching();
  for (int i = 0; i < 20; ++i) {
    CHECK(lively.step(line("ERROR", {{"code", 500}})).next.what == Do::watch);
    lively.step(line("ADDED", object("a", std::to_string(20 + i))));
  }
}

}  // namespace
}  // namespace wp::kube
