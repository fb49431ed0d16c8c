#include "operator/kube/reflector.h"

#include <doctest/doctest.h>
#include <mutex>

#include "tests/operator/kube/support.h"

namespace wp::kube {
namespace {

using test::config_for;
using test::event_line;
using test::eventually;
using test::thing;
using test::thing_list;
using wp::test::answer;
using wp::test::ApiExchange;
using wp::test::ApiStep;
using wp::test::failure;
using wp::test::FakeApi;
using wp::test::watch_lines;
using wp::test::watch_lines_then_stall;

struct Thing {
  std::string name;
  int value = 0;
};

std::optional<Thing> decode(const nlohmann::json& object) {
  const int value = object.value("value", 0);
  if (value < 0) return std::nullopt;
  if (value == 666) throw std::runtime_error("made up");
  return Thing{object["metadata"]["name"].get<std::string>(), value};
}

class Subject {
 public:
  explicit Subject(const FakeApi& api, WatchTimings timings = quick(), ClientOptions client = {})
      : reflector_(config_for(api),
                   {.name = "things",
                    .collection_path = "/api/v1/things",
                    .selectors = {.label_selector = "a=b"},
                    .client = std::move(client),
                    .metrics = &registry_,
                    .timings = timings},
                   decode, [this](const auto& key, const auto& before, const auto& after) {
                     const std::lock_guard lock(mutex_);
                     changes_ += (after ? (before ? "~" : "+") : "-") + key + " ";
                   }) {
    reflector_.start();
  }

  static WatchTimings quick() {
    WatchTimings timings;
    timings.backoff_initial = Millis{1};
    timings.backoff_max = Millis{5};
    return timings;
  }

  /// "ns/a=1 ns/b=2"
  std::string content() const {
    std::string text;
    for (const auto& value : reflector_.store().list()) {
      text += (text.empty() ? "" : " ") + value->name + "=" + std::to_string(value->value);
    }
    return text;
  }
  bool becomes(const std::string& wanted) const {
    const bool did = eventually([&] { return content() == wanted; });
    if (!did) MESSAGE("the store holds: " << content());
    return did;
  }
  std::string changes() {
    const std::lock_guard lock(mutex_);
    return changes_;
  }

  Reflector<Thing>& operator*() { return reflector_; }
  Reflector<Thing>* operator->() { return &reflector_; }

 private:
  metrics::Registry registry_;
  std::mutex mutex_;
  std::string changes_;
  Reflector<Thing> reflector_;
};

ApiStep list(const std::string& version, std::vector<std::string> things,
             const std::string& token = {}) {
  return answer(200, thing_list(version, things, token));
}

std::string added(const std::string& name, const std::string& version, int value = 0) {
  return event_line("ADDED", thing(name, version, value));
}
std::string deleted(const std::string& name, const std::string& version) {
  return event_line("DELETED", thing(name, version));
}

std::string parameter(const std::string& target, const std::string& name) {
  const std::size_t at = target.find(name + "=");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 1;
  return target.substr(begin, target.find('&', begin) - begin);
}

TEST_CASE("list, then watch: the store follows") {
  FakeApi api;
  api.script({list("10", {thing("a", "1", 1), thing("b", "2", 2)}),
              watch_lines_then_stall({event_line("MODIFIED", thing("a", "11", 5)),
                                      deleted("b", "12"), added("c", "13", 3)})});
  Subject subject(api);
  CHECK(subject->wait_synced(Millis{10000}));
  CHECK(subject.becomes("a=5 c=3"));
  CHECK(eventually([&] { return subject.changes() == "+ns/a +ns/b ~ns/a -ns/b +ns/c "; }));
  CHECK_FALSE(subject->failing());
  CHECK(subject->last_heard() > Millis{0});
  const auto requests = api.requests();
  CHECK(requests.at(0).target == "/api/v1/things?labelSelector=a%3Db&limit=100");
  const std::string& watch = requests.at(1).target;
  CHECK(parameter(watch, "resourceVersion") == "10");
  CHECK(parameter(watch, "allowWatchBookmarks") == "true");
  CHECK(parameter(watch, "labelSelector") == "a%3Db");
  CHECK(std::stoi(parameter(watch, "timeoutSeconds")) <= 290);
  CHECK(std::stoi(parameter(watch, "timeoutSeconds")) >= 261);
}

TEST_CASE("pages become one replacement; the reader never sees half a list") {
  FakeApi api;
  api.script(
      {list("10", {thing("a", "1", 1)}, "next"), [](ApiExchange& exchange) { exchange.stall(); }});
  Subject subject(api);
  REQUIRE(api.wait_for_requests(2));
  CHECK(parameter(api.requests().at(1).target, "continue") == "next");
  CHECK(subject.content().empty());
  CHECK_FALSE(subject->synced());
  CHECK(subject->failing() == "things: not synced");
}

TEST_CASE("410 when the watch opens, midway and at a continue token: relist, deletes included") {
  const ApiStep second = list("20", {thing("b", "15", 2)});
  const ApiStep rest = watch_lines_then_stall({});
  std::vector<ApiStep> steps = {list("10", {thing("a", "1", 1)})};
  SUBCASE("at the opening") {
    steps.push_back(failure(410, "Expired"));
  }
  SUBCASE("midway") {
    steps.push_back(
        watch_lines({event_line("ERROR", R"({"kind":"Status","code":410,"reason":"Expired"})")}));
  }
  SUBCASE("the server is behind") {
    steps.push_back(failure(504, "Timeout", "ResourceVersionTooLarge"));
  }
  SUBCASE("at a continue token") {
    steps.push_back(failure(410, "Gone"));
    steps.push_back(list("15", {thing("x", "1", 9)}, "next"));
    steps.push_back(failure(410, "Expired"));
  }
  SUBCASE("a line that is no JSON") {
    steps.push_back(watch_lines({"{\"type\":"}));
  }
  steps.push_back(second);
  steps.push_back(rest);
  FakeApi api;
  api.script(steps);
  Subject subject(api);
  CHECK(subject.becomes("b=2"));
  CHECK(eventually([&] { return subject.changes() == "+ns/a -ns/a +ns/b "; }));
  CHECK(eventually([&] { return !subject->failing(); }));
}

TEST_CASE("the end of the stream in the middle of a line or a character loses nothing") {
  const std::string line = added("größe", "11", 1) + "\n";
  const std::size_t umlaut = line.find("\xc3") + 1;
  for (const std::size_t cut : {std::size_t{1}, umlaut, line.size() - 1}) {
    CAPTURE(cut);
    FakeApi api;
    api.script({list("10", {}),
                [&](ApiExchange& exchange) {
                  exchange.begin_stream();
                  exchange.chunk(added("a", "11", 7) + "\n" + line.substr(0, cut));
                  exchange.cut();
                },
                watch_lines_then_stall({added("größe", "12", 1)})});
    Subject subject(api);
    CHECK(subject.becomes("a=7 größe=1"));
    CHECK(parameter(api.requests().at(2).target, "resourceVersion") == "11");
  }
}

TEST_CASE("lines split over chunks, several in one chunk, a large object") {
  const std::string large =
      R"({"type":"ADDED","object":{"metadata":{"namespace":"ns","name":"big",)"
      R"("resourceVersion":"12"},"value":4,"pad":")" +
      std::string(1'500'000, 'x') + "\"}}\n";
  FakeApi api;
  api.script({list("10", {}), [&](ApiExchange& exchange) {
                const std::string text = added("a", "11", 1) + "\n" + added("b", "11", 2) + "\n";
                exchange.begin_stream();
                for (std::size_t at = 0; at < text.size(); at += 7)
                  exchange.chunk(text.substr(at, 7));
                exchange.chunk(large + added("c", "13", 3) + "\n");
                exchange.stall();
              }});
  Subject subject(api);
  CHECK(subject.becomes("a=1 b=2 big=4 c=3"));
}

TEST_CASE("bookmarks move the version from which the watch goes on") {
  FakeApi api;
  api.script({list("10", {thing("a", "1", 1)}),
              watch_lines({event_line("BOOKMARK", R"({"metadata":{"resourceVersion":"99"}})")}),
              watch_lines_then_stall({})});
  Subject subject(api);
  REQUIRE(api.wait_for_requests(3));
  CHECK(parameter(api.requests().at(2).target, "resourceVersion") == "99");
}

TEST_CASE("429 and a server that is away keep the version; nothing is listed again") {
  FakeApi api;
  api.script({list("10", {thing("a", "1", 1)}),
              failure(429, "TooManyRequests", "", {{"Retry-After", "0"}}),
              failure(503, "ServiceUnavailable"), [](ApiExchange& exchange) { exchange.cut(); },
              watch_lines({event_line("ERROR", R"({"code":429})")}),
              watch_lines_then_stall({added("b", "11", 2)})});
  Subject subject(api);
  CHECK(subject.becomes("a=1 b=2"));
  for (std::size_t i = 1; i < 6; ++i) {
    CHECK(parameter(api.requests().at(i).target, "resourceVersion") == "10");
  }
}

TEST_CASE("a stream that falls silent is given up after the watch's time and a margin") {
  WatchTimings timings = Subject::quick();
  timings.watch_timeout = Millis{1000};
  timings.idle_margin = Millis{50};
  FakeApi api;
  api.script({list("10", {}), watch_lines_then_stall({added("a", "11", 1)}),
              watch_lines_then_stall({added("b", "12", 2)})});
  Subject subject(api, timings);
  CHECK(subject.becomes("a=1 b=2"));
  CHECK(parameter(api.requests().at(2).target, "resourceVersion") == "11");
}

TEST_CASE("watches that end at once are not hammered") {
  WatchTimings timings;
  timings.backoff_initial = Millis{60000};
  FakeApi api;
  api.script({list("10", {})});
  api.fallback(watch_lines({}));
  Subject subject(api, timings);
  CHECK(eventually([&] { return subject->failing() == "things: ShortWatch"; }));
  CHECK(api.requests().size() == 2);
}

TEST_CASE("403 is shown and tried again until the permission comes") {
  FakeApi api;
  api.fallback(failure(403, "Forbidden"));
  Subject subject(api);
  CHECK(eventually([&] { return subject->failing() == "things: Forbidden"; }));
  CHECK_FALSE(subject->synced());
  api.script({list("10", {thing("a", "1", 1)}), watch_lines_then_stall({})});
  CHECK(subject.becomes("a=1"));
  CHECK(eventually([&] { return !subject->failing(); }));
}

TEST_CASE("an object that is not for us goes; one that cannot be read does not stop the others") {
  FakeApi api;
  api.script({list("10", {thing("a", "1", 1), thing("bad", "2", 666), thing("no", "3", -1)}),
              watch_lines_then_stall({added("a", "11", -1), added("bad", "12", 666),
                                      R"({"type":"ADDED","object":{"metadata":{}}})",
                                      added("b", "13", 2)})});
  Subject subject(api);
  CHECK(subject.becomes("b=2"));
}

TEST_CASE("stop() ends a watch, a wait and a list that stalls, at once") {
  // Whatever a slow machine takes, it is less than what ends by itself here (a watch: 260 s).
  constexpr Millis kLong{120000};
  FakeApi api;
  WatchTimings slow;
  slow.backoff_initial = kLong;
  slow.backoff_max = kLong;
  std::size_t requests = 2;
  SUBCASE("a watch") {
    api.script({list("10", {}), watch_lines_then_stall({})});
  }
  SUBCASE("a wait") {
    api.script({list("10", {}), failure(403, "Forbidden")});
  }
  SUBCASE("a list") {
    api.script({[](ApiExchange& exchange) { exchange.stall(); }});
    requests = 1;
  }
  Subject subject(api, slow, {.timeout = kLong});
  REQUIRE(api.wait_for_requests(requests));
  const Millis begin = system_clock().steady();
  subject->stop();
  CHECK(system_clock().steady() - begin < Millis{10000});
}

}  // namespace
}  // namespace wp::kube
