#include "tests/product/cluster.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/ids.h"
#include "operator/kube/config.h"
#include "operator/pool/yaml.h"

namespace wp::test {
namespace {

const kube::Resource kPools{"workerpool.dev", "v1alpha1", "workerpools"};
const kube::Resource kDeployments{"apps", "v1", "deployments"};

nlohmann::json crd() {
  const char* source = std::getenv("WORKERPOOL_SOURCE");
  std::ifstream in(std::string(source != nullptr ? source : ".") + "/crds/workerpools.yaml");
  std::ostringstream text;
  text << in.rdbuf();
  return pool::yaml_document(text.str());
}

}  // namespace

bool have_cluster() {
  // A KUBECONFIG alone does not count: it may be the one of somebody's cluster.
  const char* folder = std::getenv("WORKERPOOL_CLUSTER_DIR");
  if (folder != nullptr && std::filesystem::exists(std::string(folder) + "/admin.kubeconfig")) {
    return true;
  }
  std::cerr << "skipped: no control plane; eval \"$(tests/cluster/up)\" first\n";
  return false;
}

Product::Product(std::vector<std::string> redis_config, const OperatorSetup& first)
    : redis_(std::move(redis_config)) {
  ns_ = "t-" + random_hex(8);
  folder_ = std::filesystem::temp_directory_path() / ("wp-product-" + ns_);
  std::filesystem::create_directories(folder_);
  client_ = std::make_unique<kube::Client>(kube::load_config(
      {.kubeconfig = std::string(std::getenv("WORKERPOOL_CLUSTER_DIR")) + "/admin.kubeconfig"}));
  (void)client_->patch(
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
      "workerpools.workerpool.dev",
      kube::PatchType::apply, crd(), {.field_manager = "test", .force = true});
  (void)client_->create(
      "/api/v1/namespaces",
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns_}}}});
  // Served once discovery has it.
  (void)eventually([&] {
    try {
      (void)client_->get(kube::resource_path(kPools, ns_));
      // A namespace takes pods once its default account is there.
      (void)client_->get("/api/v1/namespaces/" + ns_ + "/serviceaccounts/default");
      return true;
    } catch (const kube::KubeError&) {
      return false;
    }
  });
  node_ = another_node(node_name());
  start_operator(first);
}

Product::~Product() {
  try {
    (void)client_->remove("/api/v1/namespaces/" + ns_);
  } catch (const std::exception& error) {
    std::cerr << "namespace " << ns_ << " stays: " << error.what() << "\n";
  }
  operator_->signal(SIGTERM);
  (void)operator_->wait();
  node_->signal(SIGTERM);
  (void)node_->wait();
  try {
    (void)client_->remove("/api/v1/nodes/" + node_name());
  } catch (const std::exception&) {
    // A node that never came up is not there to be removed.
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Product::start_operator(const OperatorSetup& setup) {
  operator_.reset();
  operator_ = another_operator("operator", setup);
}

std::unique_ptr<Process> Product::another_operator(const std::string& name,
                                                   const OperatorSetup& setup) {
  std::vector<std::string> words{program("workerpool-operator"),
                                 "run",
                                 "--namespace",
                                 ns_,
                                 "--metrics-addr",
                                 "127.0.0.1:0",
                                 "--probe-addr",
                                 "127.0.0.1:0"};
  words.insert(words.end(), setup.arguments.begin(), setup.arguments.end());
  return std::make_unique<Process>(words, folder_ + "/" + name + ".log", setup.environment);
}

std::unique_ptr<Process> Product::another_node(const std::string& name) {
  const char* bin = std::getenv("WORKERPOOL_BIN");
  return std::make_unique<Process>(
      std::vector<std::string>{program("workerpool-test-node"), "--skip-init", "--name", name,
                               "--dir", folder_ + "/" + name, "--path-map",
                               "/workerpool/bin/=" + std::string(bin) + "/",
                               // The runner is here already.
                               "--done-init", "workerpool-install"},
      folder_ + "/" + name + ".log");
}

std::string Product::pool_path(const std::string& name, const std::string& sub) const {
  return kube::resource_path(kPools, ns_, name, sub);
}

void Product::apply_pool(const std::string& name, const std::vector<std::string>& command,
                         const nlohmann::json& scaling, int concurrency,
                         const nlohmann::json& more) {
  nlohmann::json object = {
      {"apiVersion", "workerpool.dev/v1alpha1"},
      {"kind", "WorkerPool"},
      {"metadata", {{"name", name}, {"namespace", ns_}}},
      {"spec",
       {{"queue", {{"redis", {{"url", redis_.tcp_url() + "/0"}}}}},
        {"workers",
         {{"concurrency", concurrency},
          {"handler", {{"exec", {{"command", command}}}}},
          {"template",
           {{"spec",
             {{"containers",
               nlohmann::json::array({{{"name", "job"}, {"image", "example/any:1"}}})}}}}}}},
        {"scaling",
         {{"maxReplicas", 5}, {"scaleToZeroAfter", "1s"}, {"scaleDownWindow", "10s"}}}}}};
  object["spec"]["scaling"].merge_patch(scaling);
  object["spec"].merge_patch(more);
  (void)client_->patch(pool_path(name), kube::PatchType::apply, object,
                       {.field_manager = "test", .force = true, .strict = true});
}

void Product::put(const std::string& pool, int jobs, const std::string& payload) {
  redis::Connection connection(redis_.endpoint());
  connection.connect();
  std::vector<queue::NewJob> batch(static_cast<std::size_t>(jobs));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i].id = "job-" + std::to_string(i);
    batch[i].payload = payload;
  }
  (void)queue::Queue(connection, queue_name(pool)).enqueue(batch);
}

void Product::put(const std::string& pool, const std::map<std::string, std::string>& jobs) {
  redis::Connection connection(redis_.endpoint());
  connection.connect();
  std::vector<queue::NewJob> batch;
  for (const auto& [id, payload] : jobs) {
    batch.emplace_back();
    batch.back().id = id;
    batch.back().payload = payload;
  }
  (void)queue::Queue(connection, queue_name(pool)).enqueue(batch);
}

queue::Counts Product::counts(const std::string& pool) {
  redis::Connection connection(redis_.endpoint());
  connection.connect();
  return queue::Queue(connection, queue_name(pool)).counts({.worker_info = true});
}

std::vector<std::string> Product::check(const std::string& pool) {
  redis::Connection connection(redis_.endpoint());
  connection.connect();
  return queue::Queue(connection, queue_name(pool)).check();
}

nlohmann::json Product::pool(const std::string& name) {
  return client_->get(pool_path(name));
}

nlohmann::json Product::deployment(const std::string& pool) {
  return client_->get(kube::resource_path(kDeployments, ns_, pool + "-worker"));
}

nlohmann::json Product::pods(const std::string& pool) {
  return client_
      ->list("/api/v1/namespaces/" + ns_ + "/pods",
             {.label_selector = "workerpool.dev/pool=" + pool})
      .at("items");
}

std::optional<int> Product::status(const std::string& pool_name, const std::string& pointer) {
  const nlohmann::json object = pool(pool_name);
  const nlohmann::json::json_pointer path("/status" + pointer);
  if (!object.contains(path)) return std::nullopt;
  return object.at(path).get<int>();
}

std::string Product::condition(const std::string& pool_name, const std::string& type) {
  const nlohmann::json object = pool(pool_name);
  if (!object.contains("/status/conditions"_json_pointer)) return {};
  for (const auto& condition : object.at("status").at("conditions")) {
    if (condition.at("type") == type) {
      return condition.at("status").get<std::string>() + "/" +
             condition.at("reason").get<std::string>();
    }
  }
  return {};
}

}  // namespace wp::test
