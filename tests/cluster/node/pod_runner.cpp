#include "tests/cluster/node/pod_runner.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>

#include "base/ids.h"
#include "base/log.h"
#include "tests/cluster/node/status.h"

namespace wp::testnode {
namespace {

using kube::KubeError;

constexpr int kApiThreads = 4;
constexpr const char* kConfigError = "CreateContainerConfigError";

const kube::Resource kPods{"", "v1", "pods"};
const kube::Resource kSecrets{"", "v1", "secrets"};
const kube::Resource kConfigMaps{"", "v1", "configmaps"};

Moment now() {
  return {system_clock().steady(), system_clock().wall()};
}

// A process's id is part of it, so that a test can signal the process of a container.
std::string container_id(pid_t pid) {
  return "process://" + std::to_string(pid) + "-" + random_hex(12);
}

UniqueFd stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) throw std::system_error(errno, std::system_category(), "signalfd");
  return fd;
}

References read_references(kube::Client& client, const std::string& ns,
                           const std::set<Reference>& wanted) {
  References found;
  for (const Reference& reference : wanted) {
    const kube::Resource& resource =
        reference.kind == Reference::Kind::secret ? kSecrets : kConfigMaps;
    try {
      found[reference] = client.get(kube::resource_path(resource, ns, reference.name));
    } catch (const KubeError& error) {
      if (!error.is_not_found()) throw;
      found[reference] = std::nullopt;
    }
  }
  return found;
}

bool still_there(kube::Client& client, const std::string& path, const std::string& uid) {
  try {
    return client.get(path).at("metadata").at("uid") == uid;
  } catch (const KubeError& error) {
    if (!error.is_not_found()) throw;
    return false;
  }
}

void write_status(kube::Client& client, const PodSpec& pod, const Json& status) {
  const std::string path = kube::resource_path(kPods, pod.ns, pod.name);
  try {
    client.patch(path + "/status", kube::PatchType::strategic,
                 {{"metadata", {{"uid", pod.uid}}}, {"status", status}});
  } catch (const KubeError& error) {
    if (error.is_not_found()) return;
    if (error.is_invalid()) {
      log::warn("the API refused a status", {{"pod", pod.name}, {"error", error.what()}});
      return;
    }
    // Another pod under the same name, or merely another writer at the same time?
    if (!error.is_conflict() || still_there(client, path, pod.uid)) throw;
  }
}

void delete_pod(kube::Client& client, const PodSpec& pod) {
  const std::string path = kube::resource_path(kPods, pod.ns, pod.name);
  try {
    client.remove(path, {.uid = pod.uid, .grace_period_seconds = 0});
  } catch (const KubeError& error) {
    if (error.is_not_found()) return;
    if (!error.is_conflict() || still_there(client, path, pod.uid)) throw;
  }
}

// What a container finds beside its own variables: nothing of this program's settings.
Variables base_variables(const PodSpec& pod, const std::string& home) {
  Variables variables{
      {"HOSTNAME", pod.name}, {"HOME", home}, {"PATH", "/usr/local/bin:/usr/bin:/bin"}};
  for (const char* name :
       {"PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) variables[name] = value;
  }
  return variables;
}

}  // namespace

PodRunner::PodRunner(kube::Client& client, RunnerOptions options)
    : client_(client), options_(std::move(options)), signals_(stop_signals()), tasks_(kApiThreads) {
  adopt_orphans();
  const std::filesystem::path directory(options_.directory);
  std::filesystem::remove_all(directory / "pods");  // of an earlier run
  std::filesystem::create_directories(directory / "pods");
  std::filesystem::create_directories(directory / "logs");
  loop_.watch(signals_.get(), [this] {
    signalfd_siginfo info{};
    (void)!read(signals_.get(), &info, sizeof info);
    loop_.stop();
  });
}

PodRunner::~PodRunner() {
  kill_all();
}

void PodRunner::changed(std::shared_ptr<const PodSpec> before,
                        std::shared_ptr<const PodSpec> after) {
  loop_.post([this, before = std::move(before), after = std::move(after)] {
    if (before && (!after || after->uid != before->uid)) vanished(*before);
    if (after) apply(after);
  });
}

void PodRunner::run() {
  loop_.run([this] { return settle(); });
}

void PodRunner::kill_all() {
  for (const auto& [uid, pod] : pods_) {
    for (const auto& process : pod.processes) {
      if (process) process->kill_group();
    }
  }
  pods_.clear();
  kill_orphans({});
}

void PodRunner::apply(const std::shared_ptr<const PodSpec>& spec) {
  auto found = pods_.find(spec->uid);
  if (found == pods_.end()) {
    if (spec->finished && !spec->deletion_grace) return;
    found = pods_.emplace(spec->uid, Pod{spec, PodState(*spec, {}, now()), {}, spec->status}).first;
    found->second.processes.resize(spec->containers.size());
  }
  Pod& pod = found->second;
  pod.spec = spec;
  if (spec->deletion_grace) {
    pod.state.remove(*spec->deletion_grace, now());
    pod.changed = true;
  }
}

void PodRunner::vanished(const PodSpec& spec) {
  const auto found = pods_.find(spec.uid);
  if (found == pods_.end()) return;
  found->second.state.vanish();
  found->second.changed = true;
}

// One round: first what ended, then what follows for the pods to which something happened.
std::optional<Millis> PodRunner::settle() {
  take_ended();
  std::optional<Millis> next;
  for (auto it = pods_.begin(); it != pods_.end();) {
    Pod& pod = it->second;
    const auto due = pod.state.next_deadline();
    if (std::exchange(pod.changed, false) || (due && *due <= system_clock().steady())) {
      advance(pod);
    }
    if (pod.state.over()) {
      std::error_code ignored;
      std::filesystem::remove_all(pod_directory(*pod.spec), ignored);
      it = pods_.erase(it);
      continue;
    }
    const auto deadline = pod.state.next_deadline();
    if (deadline && (!next || *deadline < *next)) next = deadline;
    ++it;
  }
  return next;
}

void PodRunner::take_ended() {
  if (ended_.empty()) return;
  std::set<pid_t> known;
  for (const auto& [uid, pod] : pods_) {
    for (const auto& process : pod.processes) {
      if (process) known.insert(process->pid());
    }
  }
  kill_orphans(known);
  for (const Ended& ended : std::exchange(ended_, {})) {
    const auto found = pods_.find(ended.uid);
    if (found == pods_.end()) continue;
    Pod& pod = found->second;
    pod.state.exited(ended.container, ended.exit, now());
    pod.changed = true;
    log::info("container ended", {{"namespace", pod.spec->ns},
                                  {"pod", pod.spec->name},
                                  {"container", pod.spec->containers[ended.container].name},
                                  {"code", ended.exit.code},
                                  {"signal", ended.exit.signal}});
  }
}

void PodRunner::advance(Pod& pod) {
  bool last = false;
  for (auto actions = pod.state.advance(now()); !actions.empty();
       actions = pod.state.advance(now())) {
    for (const Action& action : actions) {
      last = last || action.kind == Action::Kind::finish;
      perform(pod, action);
    }
  }
  report(pod, last);
}

void PodRunner::perform(Pod& pod, const Action& action) {
  switch (action.kind) {
    case Action::Kind::start:
      start(pod, action.container);
      break;
    case Action::Kind::terminate:
      pod.processes[action.container]->terminate();
      break;
    case Action::Kind::kill:
      pod.processes[action.container]->kill_group();
      break;
    case Action::Kind::finish:
      break;  // by the report
  }
}

void PodRunner::start(Pod& pod, std::size_t index) {
  const ContainerSpec& container = pod.spec->containers[index];
  const bool no_command = container.command.empty();
  if (container.kind == ContainerKind::init && options_.done.contains(container.name)) {
    pod.state.skipped(index, container_id(0), now());
    return;
  }
  if (container.kind == ContainerKind::init && options_.skip_init) {
    const auto mapped = no_command ? std::nullopt : options_.paths.map(container.command.front());
    if (no_command || (mapped && !std::filesystem::exists(*mapped))) {
      pod.state.skipped(index, container_id(0), now());
      return;
    }
  }
  if (no_command) {
    pod.state.refused(index, "ErrImagePull",
                      "this node pulls no images: the container needs a command", false, now());
    return;
  }
  const std::set<Reference> wanted = references_of(container);
  if (wanted.empty()) {
    start_with(pod, index, {});
    return;
  }
  const std::string uid = pod.spec->uid;
  tasks_.submit("env/" + uid + "/" + container.name, [this, uid, index, wanted, ns = pod.spec->ns] {
    References references;
    std::string problem;
    try {
      references = read_references(client_, ns, wanted);
    } catch (const KubeError& error) {
      if (error.retryable()) throw;
      problem = error.what();
    }
    loop_.post([this, uid, index, references, problem] {
      const auto found = pods_.find(uid);
      if (found == pods_.end() || !found->second.state.wants_start(index)) return;
      found->second.changed = true;
      if (problem.empty()) {
        start_with(found->second, index, references);
      } else {
        found->second.state.refused(index, kConfigError, problem, true, now());
      }
    });
  });
}

void PodRunner::start_with(Pod& pod, std::size_t index, const References& references) {
  try {
    spawn(pod, index, references);
  } catch (const EnvironmentError& error) {
    pod.state.refused(index, kConfigError, error.what(), true, now());
  } catch (const std::system_error& error) {  // also of the file system
    pod.state.start_failed(index, container_id(0), error.what(), now());
  }
}

void PodRunner::spawn(Pod& pod, std::size_t index, const References& references) {
  const PodSpec& spec = *pod.spec;
  const ContainerSpec& container = spec.containers[index];
  Command command;
  command.directory = pod_directory(spec);
  command.log_file =
      options_.directory + "/logs/" + spec.ns + "_" + spec.name + "_" + container.name + ".log";
  command.variables = make_environment(spec, container, references);
  // All pods share the loopback address, so a fixed port would be taken by the first of them.
  command.variables["WP_PROBE_ADDR"] = std::string(kHostAddress) + ":0";
  // There are no volumes: the pod's folder stands for the one that the jobs' folders are in.
  if (const auto scratch = command.variables.find("WP_SCRATCH_DIR");
      scratch != command.variables.end()) {
    scratch->second = command.directory;
  }
  for (const auto* words : {&container.command, &container.args}) {
    for (const std::string& word : *words) {
      command.argv.push_back(expand(word, command.variables));
    }
  }
  if (auto mapped = options_.paths.map(command.argv.front())) command.argv.front() = *mapped;
  command.variables.merge(base_variables(spec, command.directory));  // the container's own win
  std::filesystem::create_directories(command.directory);

  auto process = std::make_unique<Process>(command);
  const pid_t pid = process->pid();
  loop_.watch(process->pidfd(), [this, uid = spec.uid, index] {
    std::unique_ptr<Process>& slot = pods_.at(uid).processes[index];
    if (const auto exit = slot->reap()) {
      loop_.forget(slot->pidfd());
      slot.reset();
      ended_.push_back({uid, index, *exit});
    }
  });
  pod.processes[index] = std::move(process);
  pod.state.started(index, container_id(pid), now());
  log::info(
      "container started",
      {{"namespace", spec.ns}, {"pod", spec.name}, {"container", container.name}, {"pid", pid}});
}

void PodRunner::report(Pod& pod, bool last) {
  if (pod.state.vanished()) return;
  // What was done before this process came keeps the status that it has.
  const bool done_before = pod.state.spec().finished;
  if (!done_before) {
    Json status = pod_status(pod.state, pod.reported, now().wall);
    if (status == pod.reported && !last) return;
    pod.reported = std::move(status);
  }
  // The newest task of a key replaces one that waits, so the last one writes the status as well.
  tasks_.submit("status/" + pod.spec->uid,
                [this, spec = pod.spec, status = pod.reported, last, done_before] {
                  if (!done_before) write_status(client_, *spec, status);
                  if (last) delete_pod(client_, *spec);
                });
}

std::string PodRunner::pod_directory(const PodSpec& spec) const {
  return options_.directory + "/pods/" + spec.uid;
}

}  // namespace wp::testnode
