// The product installed for a test, as a user installs it: a namespace with a Redis and the chart's
// release, whose operator serves the pools of that namespace alone. Gone with the object. One
// thread; asserts nothing, throws std::runtime_error with what kubectl or helm said.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/kube/client.h"
#include "queue/queue.h"
#include "tests/e2e/node.h"
#include "tests/product/gated_jobs.h"

namespace wp::test {

/// What is left of a pod that a test looks at.
struct SitePod {
  std::string name;
  std::string uid;
  std::string container = {};  // containerID of the workers'; empty before its start
  int restarts = 0;
  bool ready = false;
  bool leaving = false;
};

class Site {
 public:
  static constexpr const char* kRelease = "workerpool";

  /// `values`: further arguments of `helm install`, such as "--set=threads=1".
  explicit Site(const std::vector<std::string>& values = {});
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  const std::string& ns() const { return ns_; }
  /// As pods and this test may name it.
  std::string redis_url() const;
  std::string queue_name(const std::string& pool) const { return ns_ + "/" + pool; }

  void apply(const std::string& text) const { kubectl_apply(text, ns_); }
  void apply(const nlohmann::json& object) const { kubectl_apply(object.dump(), ns_); }
  std::string kubectl(std::vector<std::string> words, Millis deadline = Millis{120000}) const;
  /// A pool in the image of a usual user (Debian, Python). `spec` is merged into its spec.
  void apply_pool(const std::string& name, const nlohmann::json& handler,
                  const nlohmann::json& spec = nlohmann::json::object()) const;
  nlohmann::json pool(const std::string& name) const;
  std::vector<SitePod> pods(const std::string& pool) const;

  /// The queue of a pool, on a connection of its own.
  template <typename Use>
  auto with_queue(const std::string& pool, Use use) const {
    redis::Connection connection(redis::parse_endpoint(redis_url()));
    connection.connect();
    queue::Queue queue(connection, queue_name(pool));
    return use(queue);
  }
  /// Enqueues id → payload, as soon as the pool serves its queue.
  void put(const std::string& pool, const std::map<std::string, std::string>& jobs) const;
  queue::Counts counts(const std::string& pool) const;

  /// What is wrong with a queue that has come to rest after exactly these jobs, a line each: lost,
  /// unexpected, not completed exactly once (`dead`: buried, and so meant). Empty: all is well.
  std::vector<std::string> books(const std::string& pool, const std::set<std::string>& jobs,
                                 const std::set<std::string>& dead = {}) const;
  /// Of the operator's pod, for messages.
  std::string operator_log() const;

 private:
  void install(const std::vector<std::string>& values) const;

  std::string ns_;
  mutable kube::Client api_;
};

/// Lets the users of containers into the folder of gated jobs.
void share_with_pods(const GatedJobs& jobs);
/// A pod template that mounts that folder where the test has it. `container` is merged into its
/// container.
nlohmann::json with_shared_folder(const GatedJobs& jobs, const nlohmann::json& container);

}  // namespace wp::test
