#include "bench/bare_api.h"

#include <atomic>
#include <fmt/format.h>
#include <thread>

namespace wp::bench {
namespace {

using nlohmann::json;

constexpr const char* kNamespace = "bare";
constexpr const char* kChannel = "bare";
constexpr int kThreads = 4;  // the operator's default
const kube::Resource kDeployments{"apps", "v1", "deployments"};

std::string name_of(std::size_t number) {
  return fmt::format("bare-{}", number);
}

json deployment(const std::string& name) {
  const json labels = {{"app", name}};
  const json container = {{"name", "any"}, {"image", "example/any:1"}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", name}, {"namespace", kNamespace}}},
          {"spec",
           {{"replicas", 0},
            {"selector", {{"matchLabels", labels}}},
            {"template",
             {{"metadata", {{"labels", labels}}},
              {"spec", {{"containers", json::array({container})}}}}}}}};
}

}  // namespace

BareApi::BareApi(ControlPlane& plane, Server& server, int deployments)
    : api_(plane.api()),
      publisher_(server.endpoint()),
      subscriber_(server.endpoint()),
      replicas_(static_cast<std::size_t>(deployments)) {
  publisher_.connect();
  subscriber_.connect();
  subscriber_.send({"SUBSCRIBE", kChannel});
  (void)subscriber_.read_push(Millis{5000});
  (void)api_.create(
      "/api/v1/namespaces",
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", kNamespace}}}});
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    (void)api_.create(kube::resource_path(kDeployments, kNamespace), deployment(name_of(i)));
  }
}

void BareApi::scale(std::size_t number) {
  const std::string name = name_of(number);
  const json body = {{"apiVersion", "autoscaling/v1"},
                     {"kind", "Scale"},
                     {"metadata", {{"name", name}, {"namespace", kNamespace}}},
                     {"spec", {{"replicas", replicas_[number] ^= 1}}}};
  (void)api_.patch(kube::resource_path(kDeployments, kNamespace, name, "scale"),
                   kube::PatchType::apply, body, {.field_manager = "bench", .force = true});
}

double BareApi::react() {
  const double begin = wall_seconds();
  (void)publisher_.execute({"PUBLISH", kChannel, "x"});
  (void)subscriber_.read_push(Millis{5000});
  scale(next_++ % replicas_.size());
  return (wall_seconds() - begin) * 1000;
}

Samples BareApi::react_all() {
  Samples times(replicas_.size());
  std::atomic<std::size_t> next{0};
  const double begin = wall_seconds();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (std::size_t at; (at = next++) < replicas_.size();) {
          scale(at);
          times[at] = (wall_seconds() - begin) * 1000;
        }
      });
    }
  }
  return times;
}

}  // namespace wp::bench
