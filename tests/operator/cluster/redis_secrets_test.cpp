// A pool's Redis from its spec and its Secrets, with a scripted API server.
#include "operator/cluster/redis_secrets.h"

#include <doctest/doctest.h>
#include <map>
#include <openssl/evp.h>

#include <nlohmann/json.hpp>

#include "tests/operator/workload/pools.h"
#include "tests/support/fake_api.h"

using namespace wp;
using wp::test::ApiExchange;
using wp::test::FakeApi;

namespace {

using Secret = std::map<std::string, std::string>;

std::string base64(const std::string& text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

class NoCredentials final : public kube::Credentials {
 public:
  kube::Headers headers() override { return {}; }
  std::shared_ptr<const kube::TlsMaterial> tls() override { return nullptr; }
  bool refused(Millis) override { return false; }
};

/// The Secrets of namespace media.
struct Bench {
  explicit Bench(std::map<std::string, Secret> secrets) {
    api.fallback([secrets = std::move(secrets)](ApiExchange& exchange) {
      const std::string& target = exchange.request().target;
      const std::string prefix = "/api/v1/namespaces/media/secrets/";
      const auto found =
          target.starts_with(prefix) ? secrets.find(target.substr(prefix.size())) : secrets.end();
      if (found == secrets.end()) {
        return exchange.reply(404, R"({"kind":"Status","code":404,"reason":"NotFound"})");
      }
      nlohmann::json object = {{"kind", "Secret"}, {"data", nlohmann::json::object()}};
      for (const auto& [key, text] : found->second) object["data"][key] = base64(text);
      exchange.reply(200, object.dump());
    });
    kube::ClusterConfig config;
    config.endpoint = kube::parse_endpoint("http://127.0.0.1:" + std::to_string(api.port()));
    config.credentials = std::make_shared<NoCredentials>();
    client.emplace(config);
    source.emplace(*client);
  }
  redis::Endpoint endpoint(const std::string& redis) {
    return source->endpoint(test::pool_with_workers("{template: {spec: {containers: [{name: a}]}}, "
                                                    "handler: {exec: {command: [x]}}}",
                                                    "{redis: " + redis + "}"),
                            false);
  }
  controller::EndpointError refusal(const std::string& redis) {
    try {
      (void)endpoint(redis);
    } catch (const controller::EndpointError& e) {
      return e;
    }
    FAIL("no error");
    return {"", ""};
  }

  FakeApi api;
  std::optional<kube::Client> client;
  std::optional<cluster::RedisSecrets> source;
};

const std::map<std::string, Secret> kSecrets = {
    {"roots", {{"ca.crt", "CA PEM\n"}}},
    {"client", {{"tls.crt", "CERT PEM"}, {"tls.key", "KEY PEM"}}},
    {"watch", {{"username", "sentinel"}, {"password", "spw\n"}}},
    {"auth", {{"password", "pw"}}}};

}  // namespace

TEST_CASE("TLS material, sentinels and credentials come together") {
  Bench bench(kSecrets);
  const redis::Endpoint endpoint = bench.endpoint(R"({url: "rediss://ignored:1/3",
    secretRef: {name: auth},
    tls: {caSecretRef: {name: roots, key: ca.crt}, certSecretRef: {name: client}, serverName: x},
    sentinel: {masterName: main, nodes: [a, "b:7"], secretRef: {name: watch},
               tls: {insecureSkipVerify: true}}})");
  CHECK(endpoint.describe() == "rediss+sentinel://a:26379,b:7/main/3");
  CHECK(endpoint.password == "pw");
  CHECK(endpoint.username.empty());
  REQUIRE(endpoint.tls);
  CHECK(endpoint.tls->ca_pem == "CA PEM");
  CHECK(endpoint.tls->cert_pem == "CERT PEM");
  CHECK(endpoint.tls->key_pem == "KEY PEM");
  CHECK(endpoint.tls->server_name == "x");
  REQUIRE(endpoint.sentinel);
  CHECK(endpoint.sentinel->username == "sentinel");
  CHECK(endpoint.sentinel->password == "spw");
  REQUIRE(endpoint.sentinel->tls);
  CHECK(endpoint.sentinel->tls->insecure_skip_verify);
}

TEST_CASE("rediss:// alone is verified by the system's CAs; sentinels without tls go without") {
  Bench bench({});
  const redis::Endpoint plain = bench.endpoint(R"({url: "rediss://redis:6379/0"})");
  REQUIRE(plain.tls);
  CHECK_FALSE(plain.tls->insecure_skip_verify);
  CHECK(plain.tls->ca_pem.empty());
  CHECK_FALSE(bench.endpoint(R"({url: "rediss://r:1/0", sentinel: {masterName: m, nodes: [a]}})")
                  .sentinel->tls);
  CHECK(bench.api.requests().empty());
}

TEST_CASE("what is missing is named, without any value") {
  Bench bench(kSecrets);
  const auto no_key =
      bench.refusal(R"({url: "rediss://r:1/0", tls: {caSecretRef: {name: roots, key: other}}})");
  CHECK(no_key.reason() == "SecretMissing");
  CHECK(std::string(no_key.what()) == "Secret roots has no key other: add it or name another");
  const auto no_cert =
      bench.refusal(R"({url: "rediss://r:1/0", tls: {certSecretRef: {name: auth}}})");
  CHECK(std::string(no_cert.what()).find("tls.crt") != std::string::npos);
  CHECK(bench.refusal(R"({url: "redis://r:1/0", tls: {serverName: x}})").reason() == "Tls");
  CHECK(bench.refusal(R"({url: "redis://r:1/0", sentinel: {masterName: m, nodes: ["a:b"]}})")
            .reason() == "Refused");
}
