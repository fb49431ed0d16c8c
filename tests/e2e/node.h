// The cluster of tests/e2e/up, as a test sees it that runs within its network (tests/e2e/enter):
// programs such as kubectl and helm, and the parts of the node. Any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/process.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"

namespace wp::test {

/// False (and said on stderr) when the test does not run in the network of such a cluster.
bool have_node();
/// A path below the source tree.
std::string source_path(const std::string& path);
/// True by `make soak`: times as long as in real life, and more rounds.
bool soak_run();

struct Finished {
  int exit = 0;        // 1000 + the signal when one ended it
  std::string output;  // stdout and stderr
};

/// Runs a program to its end. Throws std::runtime_error when it takes longer.
Finished run(const std::vector<std::string>& words, Millis deadline = Millis{120000});
/// The same for one that has to succeed: its output. Throws std::runtime_error with all it said.
std::string must_run(const std::vector<std::string>& words, Millis deadline = Millis{120000});

/// `kubectl apply`. The text is YAML or JSON.
void kubectl_apply(const std::string& text, const std::string& ns);
/// `kubectl get … -o json`; null when there is no such object.
nlohmann::json kubectl_get(const std::string& kind, const std::string& name, const std::string& ns);

/// A program that runs beside the test, such as `kubectl get --watch`; killed with the object.
class Beside {
 public:
  explicit Beside(const std::vector<std::string>& words);
  std::string output() const { return process_->output(); }
  std::optional<int> wait(Millis deadline) { return process_->wait(deadline); }

 private:
  OwnFolder folder_;
  std::unique_ptr<Process> process_;
};

/// Kills a container's first process, as the kernel does when memory runs out. `id` is the
/// containerID of a pod's status.
void kill_container(const std::string& id);

/// The kubelet does not run while this lives. Pods go on; nobody looks after them.
class KubeletStopped {
 public:
  KubeletStopped();
  ~KubeletStopped();
  KubeletStopped(const KubeletStopped&) = delete;
  KubeletStopped& operator=(const KubeletStopped&) = delete;
};

/// "True", "False" or "Unknown" of the node's condition Ready.
std::string node_ready();

}  // namespace wp::test
