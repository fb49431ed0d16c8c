#include "operator/kube/client.h"

#include <doctest/doctest.h>
#include <thread>

#include "tests/operator/kube/support.h"

namespace wp::kube {
namespace {

using test::config_for;
using test::thing;
using test::thing_list;
using wp::test::answer;
using wp::test::ApiExchange;
using wp::test::failure;
using wp::test::FakeApi;

template <typename Call>
KubeError error_of(Call call) {
  try {
    call();
  } catch (const KubeError& error) {
    return error;
  }
  FAIL("no error");
  return KubeError(Transport::none, "");
}

TEST_CASE("verbs, queries and content types") {
  FakeApi api;
  api.fallback(answer(200, "{}"));
  Client client(config_for(api), {.user_agent = "agent/1"});
  client.create("/c", {{"a", 1}}, {.field_manager = "me", .strict = true});
  client.update("/c/n", {{"a", 1}}, {.dry_run = true});
  client.patch("/c/n", PatchType::apply, {{"a", 1}}, {.field_manager = "a b", .force = true});
  client.patch("/c/n?x=1", PatchType::merge, {{"a", 1}}, {.field_manager = "me"});
  client.patch("/c/n", PatchType::json, Json::array());
  client.remove("/c/n", {.uid = "u", .resource_version = "7", .grace_period_seconds = 0});
  const auto requests = api.requests();
  REQUIRE(requests.size() == 6);
  CHECK(requests[0].method == "POST");
  CHECK(requests[0].target == "/c?fieldManager=me&fieldValidation=Strict");
  CHECK(requests[0].headers.at("content-type") == "application/json");
  CHECK(requests[0].headers.at("user-agent") == "agent/1");
  CHECK(requests[0].headers.at("accept") == "application/json");
  CHECK(requests[1].method == "PUT");
  CHECK(requests[1].target == "/c/n?dryRun=All");
  CHECK(requests[2].method == "PATCH");
  CHECK(requests[2].target == "/c/n?fieldManager=a%20b&force=true");
  CHECK(requests[2].headers.at("content-type") == "application/apply-patch+yaml");
  CHECK(requests[3].target == "/c/n?x=1&fieldManager=me");
  CHECK(requests[3].headers.at("content-type") == "application/merge-patch+json");
  CHECK(requests[4].headers.at("content-type") == "application/json-patch+json");
  CHECK(requests[4].body == "[]");
  CHECK(requests[5].method == "DELETE");
  const Json options = Json::parse(requests[5].body);
  CHECK(options["preconditions"]["uid"] == "u");
  CHECK(options["preconditions"]["resourceVersion"] == "7");
  CHECK(options["propagationPolicy"] == "Background");
  CHECK(options["gracePeriodSeconds"] == 0);
}

TEST_CASE("broken UTF-8 in a body is replaced, not thrown on") {
  FakeApi api;
  api.fallback(answer(200, "{}"));
  Client client(config_for(api));
  client.patch("/c", PatchType::merge, {{"a", "x\xff"}});
  CHECK(Json::parse(api.requests().at(0).body)["a"] == "x\xEF\xBF\xBD");
}

TEST_CASE("an error carries the server's Status") {
  FakeApi api;
  api.script({failure(409, "Conflict", "FieldManagerConflict"), answer(404, "page not found"),
              answer(200, "not json")});
  Client client(config_for(api));
  const KubeError conflict = error_of([&] { client.get("/"); });
  CHECK(conflict.is_conflict());
  CHECK(conflict.is_field_manager_conflict());
  CHECK(conflict.message() == "made up");
  const KubeError missing = error_of([&] { client.get("/"); });
  CHECK(missing.is_not_found());
  CHECK(missing.message() == "page not found");
  CHECK(error_of([&] { client.get("/"); }).transport() == Transport::protocol);
}

TEST_CASE("a list is joined from its pages and begun anew when it expires") {
  FakeApi api;
  api.script({answer(200, thing_list("5", {thing("a", "1")}, "t/1")), failure(410, "Expired"),
              answer(200, thing_list("6", {thing("a", "1")}, "t/2")),
              answer(200, thing_list("6", {thing("b", "2"), thing("c", "3")}))});
  Client client(config_for(api));
  const Json list = client.list("/things", {.label_selector = "a=b"});
  CHECK(list["items"].size() == 3);
  CHECK(list["metadata"]["resourceVersion"] == "6");
  const auto requests = api.requests();
  CHECK(requests.at(0).target == "/things?labelSelector=a%3Db&limit=500");
  CHECK(requests.at(3).target == "/things?labelSelector=a%3Db&limit=500&continue=t%2F2");
}

TEST_CASE("429 and 503 with Retry-After are repeated, also a write; without it they are not") {
  FakeApi api;
  api.script({failure(429, "TooManyRequests", "", {{"Retry-After", "0"}}),
              failure(503, "ServiceUnavailable", "", {{"Retry-After", "0"}}), answer(201, "{}"),
              failure(429, "TooManyRequests"), failure(429, "x", "", {{"Retry-After", "600"}}),
              failure(500, "InternalError", "", {{"Retry-After", "0"}})});
  Client client(config_for(api));
  client.create("/c", {{"a", 1}});
  CHECK(api.requests().size() == 3);
  CHECK(api.requests().at(2).body == R"({"a":1})");
  CHECK_FALSE(error_of([&] { client.get("/"); }).retry_after());
  CHECK(error_of([&] { client.get("/"); }).retry_after() == Millis{600000});
  CHECK(error_of([&] { client.get("/"); }).code() == 500);
  CHECK(api.requests().size() == 6);
}

TEST_CASE("the repetitions are bounded") {
  FakeApi api;
  api.fallback(failure(429, "TooManyRequests", "", {{"Retry-After", "0"}}));
  Client client(config_for(api), {.retries = 2});
  CHECK(error_of([&] { client.get("/"); }).code() == 429);
  CHECK(api.requests().size() == 3);
}

TEST_CASE("a rotated token is taken up at a 401, once") {
  FakeApi api;
  api.fallback([](ApiExchange& exchange) {
    const bool good = exchange.request().headers.at("authorization") == "Bearer new";
    exchange.reply(good ? 200 : 401, "{}");
  });
  ClusterConfig config = config_for(api);
  const auto credentials = std::make_shared<test::TestCredentials>();
  config.credentials = credentials;
  credentials->set_token("old");
  Client client(config);
  CHECK(error_of([&] { client.get("/"); }).is_unauthorized());
  CHECK(api.requests().size() == 1);
  credentials->set_next_token("also old");
  CHECK(error_of([&] { client.get("/"); }).is_unauthorized());
  CHECK(api.requests().size() == 3);
  credentials->set_next_token("new");
  CHECK(client.get("/").is_object());
  CHECK(api.requests().size() == 5);
}

TEST_CASE("a write whose answer is lost is not repeated: the caller reads again") {
  FakeApi api;
  api.script({[](ApiExchange& exchange) { exchange.cut(); }});
  Client client(config_for(api));
  const KubeError lost = error_of([&] { client.create("/c", {{"a", 1}}); });
  CHECK(lost.transport() == Transport::broken);
  CHECK(lost.retryable());
  CHECK(api.requests().size() == 1);
}

TEST_CASE("stop() ends the wait for Retry-After") {
  FakeApi api;
  api.fallback(failure(429, "TooManyRequests", "", {{"Retry-After", "120"}}));
  Client client(config_for(api), {.max_retry_wait = Millis{120000}});
  std::jthread stopper([&] {
    api.wait_for_requests(1);
    client.stop();
  });
  const Millis begin = system_clock().steady();
  error_of([&] { client.get("/"); });
  CHECK(system_clock().steady() - begin < Millis{10000});
}

TEST_CASE("requests are counted by code, a stream when it opens") {
  FakeApi api;
  metrics::Registry registry;
  api.script({answer(200, "{}"), failure(404, "NotFound"), wp::test::watch_lines({"x"})});
  ClusterConfig config = config_for(api);
  Client client(config, {.metrics = &registry});
  client.get("/");
  error_of([&] { client.get("/"); });
  bool counted = false;
  const std::string two = R"(rest_client_requests_total{code="200",host=")" +
                          config.endpoint.authority() + R"(",method="GET"} 2)";
  client.stream("/", {.on_data = [&](std::string_view) {
                  counted = registry.text().find(two) != std::string::npos;
                  return true;
                }});
  CHECK(counted);
  const std::string text = registry.text();
  CHECK(text.find(two) != std::string::npos);
  CHECK(text.find(R"(code="404")") != std::string::npos);
  CHECK(text.find("rest_client_request_duration_seconds_count") != std::string::npos);
}

}  // namespace
}  // namespace wp::kube
