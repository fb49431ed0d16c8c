// The whole product for a test: the control plane of tests/cluster/up (named by KUBECONFIG), a node
// that runs pods as processes, a Redis, and the operator. Everything but the control plane ends
// with the object; its namespace is the test's own.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/kube/client.h"
#include "queue/queue.h"
#include "tests/support/process.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

namespace wp::test {

/// False (and said on stderr) when there is no control plane to test against.
bool have_cluster();

/// How an operator is started, beside what all of them are given.
struct OperatorSetup {
  std::vector<std::string> arguments = {};
  std::map<std::string, std::string> environment = {};
};

class Product {
 public:
  /// `first`: of the operator that it starts with.
  explicit Product(std::vector<std::string> redis_config = {}, const OperatorSetup& first = {});
  ~Product();
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  /// A pool that runs `command` for each job. `scaling` is merged into the defaults, `more` into
  /// the whole spec.
  void apply_pool(const std::string& name, const std::vector<std::string>& command,
                  const nlohmann::json& scaling = nlohmann::json::object(), int concurrency = 1,
                  const nlohmann::json& more = nlohmann::json::object());
  void put(const std::string& pool, int jobs, const std::string& payload);
  /// Jobs with ids of the test's own: id → payload.
  void put(const std::string& pool, const std::map<std::string, std::string>& jobs);
  queue::Counts counts(const std::string& pool);
  std::vector<std::string> check(const std::string& pool);

  nlohmann::json pool(const std::string& name);
  nlohmann::json deployment(const std::string& pool);
  nlohmann::json pods(const std::string& pool);
  /// A number of the status; absent while it is not there.
  std::optional<int> status(const std::string& pool, const std::string& pointer);
  /// "True/Reached" of a condition; empty while it is not there.
  std::string condition(const std::string& pool, const std::string& type);

  kube::Client& api() { return *client_; }
  RedisServer& redis() { return redis_; }
  Process& operator_process() { return *operator_; }
  /// What all operators of this object have logged.
  std::string operator_log() const { return operator_->output(); }
  const std::string& ns() const { return ns_; }
  std::string pool_path(const std::string& name, const std::string& sub = {}) const;
  std::string queue_name(const std::string& pool) const { return ns_ + "/" + pool; }
  /// In place of the one before, if that still runs.
  void start_operator(const OperatorSetup& setup = {});
  /// A further operator, the caller's own. Give it a name for its log.
  std::unique_ptr<Process> another_operator(const std::string& name, const OperatorSetup& setup);
  /// A further node, the caller's own: to be stopped before the product is.
  std::unique_ptr<Process> another_node(const std::string& name);
  Process& node_process() { return *node_; }
  std::string node_name() const { return "node-" + ns_; }

 private:
  RedisServer redis_;
  std::string ns_;
  std::string folder_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<Process> node_;
  std::unique_ptr<Process> operator_;
};

}  // namespace wp::test
