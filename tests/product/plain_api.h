// The cluster's API server without TLS, for a program that is to be struck at a request: the fault
// shim sees what it sends. Whoever calls is the cluster's admin. It can also let that program see
// its pods late. Needs workerpool-test-watch-delay; gone with the object.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace wp::test {

class PlainApi {
 public:
  /// `folder`: of tests/cluster/up. Throws std::runtime_error when it does not serve.
  explicit PlainApi(const std::string& folder);

  std::string kubeconfig() const { return folder_.path() + "/kubeconfig"; }
  /// Watches of pods are late by this from now on.
  void delay_pods(Millis by) const;

 private:
  OwnFolder folder_;
  std::unique_ptr<Process> proxy_;
};

/// The port of the API server of the cluster in that folder.
std::string api_server_port(const std::string& cluster_folder);

/// What a proxy's --delay-file says from now on.
void write_delay(const std::string& file, Millis by);

}  // namespace wp::test
