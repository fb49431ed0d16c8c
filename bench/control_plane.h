// A real control plane for a measurement (tests/cluster/up): etcd, kube-apiserver and the
// controllers, with the CRD, the operator's namespace and rights as they are shipped, and an audit
// log of what the operator asks. No node: pods stay Pending. Stopped with the object, and by SIGINT
// and SIGTERM, which then end the program. Made before any other thread starts.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "base/stop_signals.h"
#include "bench/audit_log.h"
#include "operator/kube/client.h"
#include "tests/support/temp_folder.h"

namespace wp::bench {

/// The binaries of a control plane cannot be had on this machine.
class NoControlPlane : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ControlPlane {
 public:
  /// Throws NoControlPlane, and std::runtime_error when it does not come up.
  ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  kube::Client& api() { return *api_; }  // may do everything; any thread
  AuditLog& audit() { return *audit_; }
  /// With the rights that the operator has in a cluster.
  const std::string& operator_kubeconfig() const { return operator_kubeconfig_; }
  /// A file of the measurement's own, gone with the object.
  std::string file(const std::string& name) const { return folder_.path() + "/" + name; }

 private:
  // Ends the processes of tests/cluster/up.
  struct Running {
    std::string folder;
    ~Running() { stop(); }
    void stop() const;
  };
  std::string run(const std::string& command) const;

  test::OwnFolder folder_;
  std::unique_ptr<Running> running_;
  std::unique_ptr<StopSignals> signals_;
  std::string operator_kubeconfig_;
  std::unique_ptr<kube::Client> api_;
  std::unique_ptr<AuditLog> audit_;
};

}  // namespace wp::bench
