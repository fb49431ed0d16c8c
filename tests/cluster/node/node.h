// The Node object and its Lease: made when they are missing and renewed every 10 s, on a thread of
// its own. Whatever fails is logged and tried again after a second, for ever.
#pragma once

#include <string>
#include <thread>

#include "operator/kube/client.h"

namespace wp::testnode {

class NodeRegistration {
 public:
  /// `client` must outlive it, and be stopped before it is destroyed, lest that waits for an
  /// answer.
  NodeRegistration(kube::Client& client, std::string name);

 private:
  void renew();
  void renew_status();
  void renew_lease();

  kube::Client& client_;
  const std::string name_;
  std::string uid_;  // of the Node, which owns the Lease; empty: not registered
  std::jthread thread_;
};

}  // namespace wp::testnode
