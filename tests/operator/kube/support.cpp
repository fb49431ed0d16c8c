#include "tests/operator/kube/support.h"

#include <thread>

namespace wp::kube::test {

ClusterConfig config_for(const wp::test::FakeApi& api) {
  ClusterConfig config;
  config.endpoint.tls = false;
  config.endpoint.host = "127.0.0.1";
  config.endpoint.port = api.port();
  config.credentials = std::make_shared<TestCredentials>();
  config.source = "test";
  return config;
}

bool eventually(const std::function<bool()>& fact) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!fact()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::string thing(const std::string& name, const std::string& version, int value) {
  return R"({"apiVersion":"v1","kind":"Thing","metadata":{"namespace":"ns","name":")" + name +
         R"(","uid":"uid-)" + name + R"(","resourceVersion":")" + version + R"("},"value":)" +
         std::to_string(value) + "}";
}

std::string thing_list(const std::string& version, const std::vector<std::string>& things,
                       const std::string& continue_token) {
  std::string items;
  for (const std::string& item : things) items += (items.empty() ? "" : ",") + item;
  return R"({"kind":"ThingList","metadata":{"resourceVersion":")" + version + R"(","continue":")" +
         continue_token + R"("},"items":[)" + items + "]}";
}

std::string event_line(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}";
}

}  // namespace wp::kube::test
