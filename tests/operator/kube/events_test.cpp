#include "operator/kube/events.h"

#include <doctest/doctest.h>

#include "tests/operator/kube/support.h"

namespace wp::kube {
namespace {

using test::config_for;
using test::eventually;
using wp::test::answer;
using wp::test::ApiExchange;
using wp::test::failure;
using wp::test::FakeApi;

EventOptions options(metrics::Registry& registry) {
  return {.controller = "example.dev/operator",
          .instance = "pod",
          .retry_delay = Millis{4},
          .metrics = &registry};
}

Event event(const std::string& reason, const std::string& note = "a note") {
  return {.regarding = {.api_version = "v1", .kind = "Thing", .ns = "ns", .name = "a", .uid = "u"},
          .type = EventType::warning,
          .reason = reason,
          .action = "Do",
          .note = note};
}

bool counted(const metrics::Registry& registry, const std::string& result, int count) {
  return registry.text().find("events_total{result=\"" + result + "\"} " + std::to_string(count) +
                              "\n") != std::string::npos;
}

TEST_CASE("first a creation, then a series, then silence; an expired event is created anew") {
  FakeApi api;
  metrics::Registry registry;
  api.script({answer(201, "{}"), answer(200, "{}"), answer(201, "{}"), failure(404, "NotFound"),
              answer(201, "{}")});
  EventRecorder recorder(config_for(api), options(registry));
  recorder.emit(event("A"));
  recorder.emit(event("A"));
  recorder.emit(event("A"));
  recorder.emit(event("B"));
  recorder.emit(event("B"));
  recorder.stop(Millis{10000});
  const auto requests = api.requests();
  REQUIRE(requests.size() == 5);
  CHECK(requests[0].method == "POST");
  CHECK(requests[0].target == "/apis/events.k8s.io/v1/namespaces/ns/events");
  CHECK(requests[1].method == "PATCH");
  CHECK(Json::parse(requests[1].body)["series"]["count"] == 2);
  CHECK(requests[3].method == "PATCH");
  CHECK(requests[4].method == "POST");
  CHECK(counted(registry, "sent", 4));
}

TEST_CASE("an expired event whose series has another one by now is not created anew") {
  FakeApi api;
  metrics::Registry registry;
  api.script({answer(201, "{}"), answer(200, "{}"), failure(404, "NotFound"), answer(201, "{}")});
  EventRecorder recorder(config_for(api), options(registry));
  for (int i = 0; i < 3; ++i) recorder.emit(event("A", "old"));
  recorder.emit(event("A", "new"));
  recorder.stop(Millis{60000});
  const auto requests = api.requests();
  REQUIRE(requests.size() == 4);
  CHECK(requests[2].method == "PATCH");
  CHECK(requests[3].method == "POST");
  CHECK(Json::parse(requests[3].body)["note"] == "new");
  CHECK(counted(registry, "sent", 3));
}

TEST_CASE("an outage is sat out, a refusal is not repeated, a lost answer is no second event") {
  FakeApi api;
  metrics::Registry registry;
  api.script({failure(500, "InternalError"), [](ApiExchange& exchange) { exchange.cut(); },
              failure(409, "AlreadyExists"), failure(422, "Invalid"), answer(201, "{}")});
  EventRecorder recorder(config_for(api), options(registry));
  recorder.emit(event("A"));
  recorder.emit(event("B"));
  recorder.emit(event("C"));
  REQUIRE(api.wait_for_requests(5));
  const auto requests = api.requests();
  CHECK(requests[0].body == requests[2].body);
  CHECK(Json::parse(requests[3].body)["reason"] == "B");
  CHECK(Json::parse(requests[4].body)["reason"] == "C");
  CHECK(eventually([&] { return counted(registry, "refused", 1); }));
}

TEST_CASE("emit() never waits: a full queue drops and counts") {
  FakeApi api;
  metrics::Registry registry;
  api.fallback([](ApiExchange& exchange) { exchange.stall(); });
  EventOptions small = options(registry);
  small.queue_limit = 2;
  small.client.timeout = Millis{60000};
  EventRecorder recorder(config_for(api), small);
  recorder.emit(event("first"));
  REQUIRE(api.wait_for_requests(1));
  for (int i = 0; i < 5; ++i) recorder.emit(event("R" + std::to_string(i)));
  CHECK(counted(registry, "dropped", 3));
  const Millis begin = system_clock().steady();
  recorder.stop(Millis{10});
  CHECK(system_clock().steady() - begin < Millis{10000});
}

}  // namespace
}  // namespace wp::kube
