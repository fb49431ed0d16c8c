// What the tests against the scripted server share.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "operator/kube/config.h"
#include "tests/support/fake_api.h"

namespace wp::kube::test {

/// Credentials whose token the test sets.
class TestCredentials final : public Credentials {
 public:
  explicit TestCredentials(std::shared_ptr<const TlsMaterial> material = nullptr)
      : material_(std::move(material)) {}

  Headers headers() override {
    const std::lock_guard lock(mutex_);
    if (token_.empty()) return {};
    return {{"Authorization", "Bearer " + token_}};
  }
  std::shared_ptr<const TlsMaterial> tls() override {
    const std::lock_guard lock(mutex_);
    return material_;
  }
  bool refused(Millis) override {
    const std::lock_guard lock(mutex_);
    if (next_token_.empty()) return false;
    token_ = next_token_;
    return true;
  }

  void set_token(std::string token) {
    const std::lock_guard lock(mutex_);
    token_ = std::move(token);
  }
  /// What a refusal brings.
  void set_next_token(std::string token) {
    const std::lock_guard lock(mutex_);
    next_token_ = std::move(token);
  }
  void set_tls(std::shared_ptr<const TlsMaterial> material) {
    const std::lock_guard lock(mutex_);
    material_ = std::move(material);
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_;
  std::string token_;
  std::string next_token_;
};

/// Plain HTTP to the fake server.
ClusterConfig config_for(const wp::test::FakeApi& api);

/// Waits until `fact` holds, at most 10 s; false when it does not. For facts of another thread that
/// offer nothing to wait on.
bool eventually(const std::function<bool()>& fact);

/// {"apiVersion":"v1","kind":"Thing","metadata":{…}} with this name in namespace ns.
std::string thing(const std::string& name, const std::string& version, int value = 0);
std::string thing_list(const std::string& version, const std::vector<std::string>& things,
                       const std::string& continue_token = {});
std::string event_line(const std::string& type, const std::string& object);

}  // namespace wp::kube::test
