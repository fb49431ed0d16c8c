#include <doctest/doctest.h>
#include <stdexcept>

#include "operator/kube/client.h"
#include "operator/kube/timestamp.h"

namespace wp::kube {
namespace {

TEST_CASE("server addresses") {
  const Endpoint plain = parse_endpoint("https://10.0.0.1:6443");
  CHECK(plain.tls);
  CHECK(plain.authority() == "10.0.0.1:6443");
  CHECK(parse_endpoint("https://api.example").port == 443);
  CHECK(parse_endpoint("http://api.example/").port == 80);
  CHECK(parse_endpoint("https://h/k8s/clusters/c1/").base_path == "/k8s/clusters/c1");
  const Endpoint v6 = parse_endpoint("https://[fd00::1]:6443");
  CHECK(v6.host == "fd00::1");
  CHECK(v6.authority() == "[fd00::1]:6443");
  for (const char* bad : {"", "10.0.0.1:6443", "ftp://x", "https://", "https://h:0",
                          "https://h:99999", "https://h:x", "https://user:pw@h", "https://[fd00::1",
                          "https://[::1]x", "https://h/p?q=1", "https://h /"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_endpoint(bad), std::invalid_argument);
  }
  try {
    parse_endpoint("https://user:secret@h");
  } catch (const std::invalid_argument& error) {
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
  }
}

TEST_CASE("resource paths") {
  const Resource deployments{"apps", "v1", "deployments"};
  CHECK(resource_path(deployments, "ns", "web", "scale") ==
        "/apis/apps/v1/namespaces/ns/deployments/web/scale");
  CHECK(resource_path(deployments, "") == "/apis/apps/v1/deployments");
  CHECK(resource_path({"", "v1", "pods"}, "ns") == "/api/v1/namespaces/ns/pods");
  CHECK(resource_path({"", "v1", "pods"}, "a/../b", "x?y z") ==
        "/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%20z");
  CHECK(deployments.api_version() == "apps/v1");
  CHECK(Resource{"", "v1", "pods"}.api_version() == "v1");
  CHECK(selector_query({.label_selector = "a=b,c!=d", .field_selector = "metadata.name=x"}) ==
        "labelSelector=a%3Db%2Cc%21%3Dd&fieldSelector=metadata.name%3Dx");
  CHECK(selector_query({}).empty());
}

TEST_CASE("times of the API") {
  CHECK(parse_timestamp("1970-01-01T00:00:01Z") == Millis{1000});
  CHECK(parse_timestamp("1970-01-01T01:00:00.250+01:00") == Millis{250});
  CHECK(parse_timestamp("1970-01-01T00:00:00.123456789Z") == Millis{123});
  CHECK_FALSE(parse_timestamp("1970-01-01"));
  CHECK_FALSE(parse_timestamp("1970-01-01T00:00:00"));
  CHECK_FALSE(parse_timestamp("soon"));
  CHECK(format_micro_time(Millis{1004}) == "1970-01-01T00:00:01.004000Z");
}

}  // namespace
}  // namespace wp::kube
