// workerpool-test-node: plays one node of a test cluster. Pods run as processes of this machine,
// without root and without images.
//
// The tour: node.h keeps the Node object and its Lease; a reflector watches the pods bound to it;
// pod_runner.h turns each into processes by the state machine in pod_state.h, and writes back what
// status.h makes of it.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/log.h"
#include "base/options.h"
#include "base/stop_signals.h"
#include "operator/kube/reflector.h"
#include "tests/cluster/node/node.h"
#include "tests/cluster/node/pod_runner.h"

namespace wp::testnode {
namespace {

// Before any thread starts, so that all inherit the mask: the loop reads the signals.
void block_stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

// For tests/cluster/down: "PID STARTTIME", the latter being field 22 of /proc/PID/stat.
void record_process(const std::string& cluster, const std::string& name) {
  std::ifstream file("/proc/self/stat");
  std::string stat;
  std::getline(file, stat);
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));  // begins with field 3
  std::string started;
  for (int field = 3; field <= 22; ++field) fields >> started;
  std::ofstream(cluster + "/pids/node-" + name) << getpid() << ' ' << started << '\n';
}

int run(int argc, const char* const* argv) {
  std::string kubeconfig;
  std::string name = "n1";
  std::string directory;
  std::string cluster;
  std::vector<std::string> path_map;
  RunnerOptions runner_options;
  Options options("workerpool-test-node",
                  "Plays one node of a test cluster: pods run as processes of this machine.");
  options.text({.name = "kubeconfig",
                .help = "how to reach the API server (default: $KUBECONFIG)",
                .placeholder = "FILE"},
               kubeconfig);
  options.text({.name = "name", .help = "of the node"}, name);
  options.text({.name = "dir",
                .help = "for logs/ and the pods' scratch folders; made if absent (default: "
                        "nodes/NAME in the cluster's folder)",
                .placeholder = "DIR"},
               directory);
  options.text({.name = "cluster-dir",
                .env = "WORKERPOOL_CLUSTER_DIR",
                .help = "the folder of tests/cluster/up: its down ends this process too",
                .placeholder = "DIR"},
               cluster);
  options.list({.name = "path-map",
                .env = "WORKERPOOL_TEST_PATH_MAP",
                .help = "where programs of an image stand on this machine, as prefixes of argv[0]",
                .placeholder = "PREFIX=REPLACEMENT"},
               path_map);
  options.toggle({.name = "skip-init",
                  .help = "an init container without a command, or whose mapped program does not "
                          "exist, counts as succeeded"},
                 runner_options.skip_init);
  std::vector<std::string> done;
  options.list({.name = "done-init",
                .help = "an init container of this name counts as succeeded: what it would do is "
                        "done on this machine",
                .placeholder = "NAME"},
               done);
  if (options.parse(argc, argv) == Parsed::exit) return 0;
  runner_options.done = {done.begin(), done.end()};
  if (directory.empty()) {
    if (cluster.empty()) throw UsageError("dir: is required without a cluster-dir");
    directory = cluster + "/nodes/" + name;
  }
  try {
    runner_options.paths = PathMap(path_map);
  } catch (const std::invalid_argument& error) {
    throw UsageError(std::string("path-map: ") + error.what());
  }
  runner_options.directory = std::filesystem::absolute(directory);
  if (!cluster.empty()) record_process(cluster, name);

  ignore_sigpipe();
  block_stop_signals();
  const kube::ClusterConfig config = kube::load_config({.kubeconfig = kubeconfig});
  kube::ClientOptions client_options{.user_agent = "workerpool-test-node"};
  client_options.http.idle_connections = 8;
  kube::Client client(config, client_options);
  {
    PodRunner runner(client, std::move(runner_options));
    const NodeRegistration node(client, name);
    using Pods = kube::Reflector<PodSpec>;
    Pods pods(
        config,
        {.name = "pods",
         .collection_path = kube::resource_path({"", "v1", "pods"}, ""),
         .selectors = {.field_selector = "spec.nodeName=" + name},
         .client = client_options},
        [](const Json& object) { return parse_pod(object); },
        [&runner](const std::string&, const Pods::Value& before, const Pods::Value& after) {
          runner.changed(before, after);
        });
    pods.start();
    runner.run();
    client.stop();
    runner.kill_all();
    pods.stop();
  }
  log::info("node stopped", {{"node", name}});
  return 0;
}

}  // namespace
}  // namespace wp::testnode

int main(int argc, char** argv) {
  return wp::run_program("workerpool-test-node", [&] { return wp::testnode::run(argc, argv); });
}
