#include "bench/pools.h"

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "queue/queue.h"
#include "tests/support/wait.h"

namespace wp::bench {
namespace {

using nlohmann::json;

constexpr int kAtOnce = 4;
const kube::Resource kPools{"workerpool.dev", "v1alpha1", "workerpools"};

std::string queue_of(const std::string& name) {
  return std::string(kPoolNamespace) + "/" + name;
}

bool is_ready(const json& pool) {
  const json none = json::array();
  const json::json_pointer path("/status/conditions");
  for (const json& condition : pool.contains(path) ? pool.at(path) : none) {
    if (condition.at("type") == "Ready") return condition.at("status") == "True";
  }
  return false;
}

}  // namespace

Pools::Pools(ControlPlane& plane, Server& server)
    : plane_(plane), server_(server), connection_(server.endpoint()) {
  connection_.connect();
  (void)plane_.api().create(
      "/api/v1/namespaces",
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", kPoolNamespace}}}});
}

json Pools::object(const std::string& name) const {
  const json container = {{"name", "job"}, {"image", "example/any:1"}};
  return {{"apiVersion", "workerpool.dev/v1alpha1"},
          {"kind", "WorkerPool"},
          {"metadata", {{"name", name}, {"namespace", kPoolNamespace}}},
          {"spec",
           {{"queue", {{"redis", {{"url", server_.redis().tcp_url() + "/0"}}}}},
            {"workers",
             {{"handler", {{"exec", {{"command", {"true"}}}}}},
              {"template", {{"spec", {{"containers", json::array({container})}}}}}}},
            {"scaling",
             {{"maxReplicas", 5}, {"scaleToZeroAfter", "168h"}, {"scaleDownWindow", "1h"}}}}}};
}

void Pools::add(const std::vector<std::string>& names) {
  const std::string collection = kube::resource_path(kPools, kPoolNamespace);
  std::atomic<std::size_t> next{0};
  std::exception_ptr failed;
  {
    std::vector<std::jthread> makers;
    std::mutex mutex;
    for (int i = 0; i < kAtOnce; ++i) {
      makers.emplace_back([&] {
        try {
          for (std::size_t at; (at = next++) < names.size();) {
            (void)plane_.api().create(collection, object(names[at]));
          }
        } catch (...) {
          const std::lock_guard lock(mutex);
          failed = std::current_exception();
        }
      });
    }
  }
  if (failed) std::rethrow_exception(failed);
  if (!test::eventually([&] { return are_ready(names); }, Millis{600000}, Millis{500})) {
    throw std::runtime_error("the operator does not make all pools ready");
  }
}

bool Pools::are_ready(const std::vector<std::string>& names) {
  // A thousand are listed when their news should be over, not to look for them.
  if (!plane_.audit().wait_quiet(Millis{300}, Millis{60000})) return false;
  std::set<std::string> missing(names.begin(), names.end());
  const json list = plane_.api().list(kube::resource_path(kPools, kPoolNamespace));
  for (const json& pool : list.at("items")) {
    if (is_ready(pool)) missing.erase(pool.at("metadata").at("name").get<std::string>());
  }
  return missing.empty();
}

void Pools::remove(const std::string& name) {
  (void)plane_.api().remove(kube::resource_path(kPools, kPoolNamespace, name));
}

double Pools::enqueue(const std::string& name) {
  queue::Queue queue(connection_, queue_of(name));
  std::vector<queue::NewJob> jobs(1);
  const double begin = wall_seconds();
  (void)queue.enqueue(jobs);
  return begin;
}

void Pools::empty(const std::string& name) {
  queue::Queue queue(connection_, queue_of(name));
  while (queue.purge(queue::JobState::ready, 1000).left > 0) {
  }
}

}  // namespace wp::bench
