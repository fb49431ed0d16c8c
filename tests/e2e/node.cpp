#include "tests/e2e/node.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace wp::test {
namespace {

std::string folder() {
  const char* path = std::getenv("WORKERPOOL_E2E_DIR");
  return path != nullptr ? path : "";
}

// Field 22 of /proc/PID/stat, as tests/cluster/processes.sh reads it; empty without such a process.
std::string start_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat, '\0');
  // The second field, the name, may hold blanks and parentheses: what follows is after its end.
  const std::size_t name = stat.rfind(')');
  std::istringstream fields(name == std::string::npos ? std::string() : stat.substr(name + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) {
    if (!(fields >> field)) return {};
  }
  return field;
}

// Never a later process that was given the same number.
pid_t kubelet_pid() {
  pid_t pid = 0;
  std::string started;
  std::ifstream(folder() + "/pids/kubelet") >> pid >> started;
  if (pid <= 0 || started.empty()) throw std::runtime_error("no kubelet is recorded");
  if (start_time(pid) != started) throw std::runtime_error("the recorded kubelet does not run");
  return pid;
}

}  // namespace

bool have_node() {
  if (std::filesystem::exists(folder() + "/.workerpool-e2e")) return true;
  std::cerr << "skipped: no node; tests/e2e/up --dir DIR, then tests/e2e/enter DIR <this test>\n";
  return false;
}

std::string source_path(const std::string& path) {
  const char* root = std::getenv("WORKERPOOL_SOURCE");
  return std::string(root != nullptr ? root : ".") + "/" + path;
}

bool soak_run() {
  const char* text = std::getenv("WORKERPOOL_SOAK");
  return text != nullptr && std::string(text) == "1";
}

Finished run(const std::vector<std::string>& words, Millis deadline) {
  const OwnFolder own;
  Process process(words, own.path() + "/output");
  const std::optional<int> exit = process.wait(deadline);
  if (!exit) throw std::runtime_error(words.front() + " does not end: " + process.output());
  return {.exit = *exit, .output = process.output()};
}

std::string must_run(const std::vector<std::string>& words, Millis deadline) {
  Finished finished = run(words, deadline);
  if (finished.exit != 0) {
    std::string line;
    for (const std::string& word : words) line += word + " ";
    throw std::runtime_error(line + "ended with " + std::to_string(finished.exit) + ": " +
                             finished.output);
  }
  return std::move(finished.output);
}

void kubectl_apply(const std::string& text, const std::string& ns) {
  const OwnFolder own;
  must_run({"kubectl", "apply", "--namespace", ns, "--filename", own.write("objects.yaml", text)});
}

nlohmann::json kubectl_get(const std::string& kind, const std::string& name,
                           const std::string& ns) {
  const std::string text = must_run(
      {"kubectl", "get", kind, name, "--namespace", ns, "--ignore-not-found", "--output", "json"});
  return text.empty() ? nlohmann::json() : nlohmann::json::parse(text);
}

Beside::Beside(const std::vector<std::string>& words)
    : process_(std::make_unique<Process>(words, folder_.path() + "/output")) {}

void kill_container(const std::string& id) {
  must_run({"ctr", "--address", folder() + "/node/containerd.sock", "--namespace", "k8s.io",
            "tasks", "kill", "--signal", "SIGKILL", id.substr(id.rfind('/') + 1)});
}

KubeletStopped::KubeletStopped() {
  const pid_t pid = kubelet_pid();
  kill(pid, SIGKILL);
  if (!eventually([&] { return kill(pid, 0) != 0; }, Millis{10000})) {
    throw std::runtime_error("the kubelet does not end");
  }
}

KubeletStopped::~KubeletStopped() {
  // It outlives the test: the cluster's `down` ends it, by the pid that this records.
  const std::string start = folder() + "/run/kubelet";
  const std::string log = folder() + "/logs/kubelet.log";
  (void)run({"sh", "-c", "setsid \"$0\" </dev/null >>\"$1\" 2>&1 &", start, log});
}

std::string node_ready() {
  return must_run({"kubectl", "get", "node", "n1", "--output",
                   "jsonpath={.status.conditions[?(@.type=='Ready')].status}"});
}

}  // namespace wp::test
