// Environments as the kubelet makes them, and paths of images on this machine.
#include "tests/cluster/node/environment.h"

#include <doctest/doctest.h>
#include <string>

namespace wp::testnode {
namespace {

PodSpec pod() {
  PodSpec spec;
  spec.ns = "media";
  spec.name = "p";
  spec.uid = "u1";
  spec.node = "n1";
  spec.labels = {{"app", "x"}};
  return spec;
}

ContainerSpec with_env(const char* env, const char* env_from = "[]") {
  ContainerSpec container;
  container.env = Json::parse(env);
  container.env_from = Json::parse(env_from);
  return container;
}

Variables make(const char* env, const References& references = {}) {
  return make_environment(pod(), with_env(env), references);
}

const Reference kSecret{Reference::Kind::secret, "s"};
const Reference kMap{Reference::Kind::config_map, "m"};

}  // namespace

TEST_CASE("$(NAME) is the value of a variable that is defined") {
  const Variables variables{{"A", "1"}, {"EMPTY", ""}};
  CHECK(expand("x$(A)y$(A)", variables) == "x1y1");
  CHECK(expand("$(EMPTY)", variables).empty());
  CHECK(expand("$(B)", variables) == "$(B)");
  CHECK(expand("$$(A)", variables) == "$(A)");
  CHECK(expand("$A $( $(A", variables) == "$A $( $(A");
  CHECK(expand("cost: $", variables) == "cost: $");
}

TEST_CASE("only variables that come before are known") {
  const Variables variables = make(
      R"_([{"name": "A", "value": "$(B)"}, {"name": "B", "value": "b"},
              {"name": "C", "value": "$(B)c"}, {"name": "B", "value": "$(B)2"}, {"name": "D"}])_");
  CHECK(variables.at("A") == "$(B)");
  CHECK(variables.at("B") == "b2");
  CHECK(variables.at("C") == "bc");
  CHECK(variables.at("D").empty());
}

TEST_CASE("fields of the pod") {
  const auto field = [](const std::string& path) {
    const Json env = {{{"name", "X"}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}}};
    return make(env.dump().c_str()).at("X");
  };
  CHECK(field("metadata.name") == "p");
  CHECK(field("metadata.namespace") == "media");
  CHECK(field("metadata.uid") == "u1");
  CHECK(field("metadata.labels['app']") == "x");
  CHECK(field("metadata.labels['none']").empty());
  CHECK(field("spec.nodeName") == "n1");
  CHECK(field("status.podIP") == "127.0.0.1");
  CHECK(field("status.hostIP") == "127.0.0.1");
  CHECK_THROWS_AS(field("spec.unheard"), EnvironmentError);
}

TEST_CASE("keys of Secrets and ConfigMaps") {
  const References references{{kSecret, Json{{"data", {{"key", "c2VjcmV0Cg=="}}}}},
                              {kMap, Json{{"data", {{"key", "plain"}}}}}};
  const char* const env =
      R"_([{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
          {"name": "M", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "key"}}}])_";
  CHECK(references_of(with_env(env)) == std::set<Reference>{kSecret, kMap});
  const Variables variables = make(env, references);
  CHECK(variables.at("S") == "secret\n");
  CHECK(variables.at("M") == "plain");
  CHECK_THROWS_WITH_AS(make(env), "Secret \"s\" not found", EnvironmentError);
  CHECK_THROWS_WITH_AS(
      make(R"_([{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "other"}}}])_",
           references),
      "couldn't find key other in Secret media/s", EnvironmentError);
  CHECK(make(R"_([{"name": "S", "valueFrom":
                  {"secretKeyRef": {"name": "none", "key": "k", "optional": true}}}])_",
             references)
            .empty());
}

TEST_CASE("all keys of a Secret, with a prefix, below the variables of env") {
  const References references{{kSecret, Json{{"data", {{"a", "MQ=="}, {"b", "Mg=="}}}}}};
  const ContainerSpec container = with_env(R"_([{"name": "P_b", "value": "own"}])_",
                                           R"_([{"prefix": "P_", "secretRef": {"name": "s"}}])_");
  CHECK(references_of(container) == std::set<Reference>{kSecret});
  CHECK(make_environment(pod(), container, references) == Variables{{"P_a", "1"}, {"P_b", "own"}});
}

TEST_CASE("an unknown source is an error, not an empty value") {
  CHECK_THROWS_AS(
      make(R"_([{"name": "X", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}])_"),
      EnvironmentError);
}

TEST_CASE("base64") {
  CHECK(decode_base64("").value().empty());
  CHECK(decode_base64("/+8=") == std::string("\xFF\xEF"));
  CHECK(decode_base64("YWJj") == "abc");
  CHECK_FALSE(decode_base64("a b"));
}

TEST_CASE("the longest prefix maps a path") {
  const PathMap map({"/workerpool/=/build/", "/workerpool/bin/=/build/bin/"});
  CHECK(map.map("/workerpool/bin/runner") == "/build/bin/runner");
  CHECK(map.map("/workerpool/lib/x") == "/build/lib/x");
  CHECK_FALSE(map.map("/usr/bin/true"));
  CHECK_THROWS_AS(PathMap({"/workerpool"}), std::invalid_argument);
}

}  // namespace wp::testnode
