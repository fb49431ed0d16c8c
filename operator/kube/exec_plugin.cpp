#include "operator/kube/exec_plugin.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/unique_fd.h"
#include "operator/kube/timestamp.h"

extern char** environ;  // POSIX declares it in no header

namespace wp::kube {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxOutput = 1u << 20;
constexpr std::size_t kMaxErrors = 2048;

struct Pipe {
  UniqueFd read;
  UniqueFd write;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe could be made");
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
};

class SpawnSettings {
 public:
  SpawnSettings(int out, int err) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawnattr_init(&attributes);
    // A group of its own, to be killed as a whole, and none of the signals that we block or ignore.
    sigset_t none;
    sigemptyset(&none);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  result.reserve(words.size() + 1);
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

/// Reads both ends until they close or the time is over; false when it is.
bool read_both(int out, int err, Millis deadline, std::string& output, std::string& errors) {
  std::array<pollfd, 2> ends{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<char, 4096> buffer;
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const Millis left = deadline - system_clock().steady();
    if (left <= Millis{0}) return false;
    const int ready = ::poll(ends.data(), ends.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    for (pollfd& end : ends) {
      if (end.fd < 0 || end.revents == 0) continue;
      const ssize_t size = ::read(end.fd, buffer.data(), buffer.size());
      if (size <= 0) {
        end.fd = -1;
        continue;
      }
      std::string& target = end.fd == out ? output : errors;
      const std::size_t limit = end.fd == out ? kMaxOutput : kMaxErrors;
      const std::size_t room = limit - std::min(limit, target.size());
      target.append(buffer.data(), std::min(room, static_cast<std::size_t>(size)));
    }
  }
  return true;
}

/// The exit status; kills the group when the time is over.
int reap(pid_t pid, Millis deadline) {
  // By number: glibc 2.36 declares the function without C linkage.
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  int ready = 0;
  do {
    const Millis left = std::max(Millis{0}, deadline - system_clock().steady());
    ready = ::poll(&ended, 1, static_cast<int>(left.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) ::kill(-pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

}  // namespace

ExecCredential parse_exec_credential(const std::string& output, const std::string& api_version) {
  const Json document = Json::parse(output, nullptr, false);
  if (!document.is_object()) throw std::runtime_error("its output is not JSON");
  if (document.value("kind", "") != "ExecCredential" ||
      document.value("apiVersion", "") != api_version) {
    throw std::runtime_error("its output is not an ExecCredential of " + api_version);
  }
  const auto status = document.find("status");
  if (status == document.end() || !status->is_object()) {
    throw std::runtime_error("its output has no status");
  }
  const auto text = [&status](const char* name) {
    const auto field = status->find(name);
    return field != status->end() && field->is_string() ? field->get<std::string>() : "";
  };
  ExecCredential credential;
  credential.token = text("token");
  credential.certificate = text("clientCertificateData");
  credential.key = text("clientKeyData");
  if (credential.certificate.empty() != credential.key.empty()) {
    throw std::runtime_error("it answered a certificate without a key, or a key alone");
  }
  if (credential.token.empty() && credential.certificate.empty()) {
    throw std::runtime_error("it answered neither a token nor a certificate");
  }
  const std::string expires = text("expirationTimestamp");
  if (!expires.empty()) {
    credential.expires = parse_timestamp(expires);
    if (!credential.expires) throw std::runtime_error("its expirationTimestamp is no time");
  }
  return credential;
}

ExecCredential ExecPlugin::run() const {
  const std::string who = "credential plugin " + command + ": ";
  Json info = {
      {"apiVersion", api_version}, {"kind", "ExecCredential"}, {"spec", {{"interactive", false}}}};
  if (!cluster_json.empty()) info["spec"]["cluster"] = Json::parse(cluster_json, nullptr, false);

  std::vector<std::string> words{command};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<std::string> settings;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string setting = *entry;
    const std::string name = setting.substr(0, setting.find('='));
    if (!env.contains(name) && name != "KUBERNETES_EXEC_INFO") settings.push_back(setting);
  }
  for (const auto& [name, value] : env) settings.push_back(fmt::format("{}={}", name, value));
  settings.push_back("KUBERNETES_EXEC_INFO=" + info.dump());

  Pipe out;
  Pipe err;
  const SpawnSettings spawn(out.write.get(), err.write.get());
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, command.c_str(), &spawn.actions, &spawn.attributes,
                                   pointers(words).data(), pointers(settings).data());
  if (error != 0) {
    throw std::runtime_error(who + std::strerror(error) +
                             (install_hint.empty() ? "" : "; " + one_line(install_hint)));
  }
  out.write.reset();
  err.write.reset();

  const Millis deadline = system_clock().steady() + timeout;
  std::string output;
  std::string errors;
  const bool finished = read_both(out.read.get(), err.read.get(), deadline, output, errors);
  if (!finished) ::kill(-pid, SIGKILL);
  const int status = reap(pid, deadline);
  if (!finished) {
    throw std::runtime_error(who + "did not finish within " +
                             std::to_string(timeout.count() / 1000) + " s");
  }
  if (status != 0) {
    const std::string how = WIFEXITED(status)
                                ? "exit status " + std::to_string(WEXITSTATUS(status))
                                : "killed by signal " + std::to_string(WTERMSIG(status));
    throw std::runtime_error(who + how + (errors.empty() ? "" : ": " + one_line(errors)));
  }
  if (!errors.empty()) log::debug("credential plugin wrote", {{"stderr", one_line(errors)}});
  try {
    return parse_exec_credential(output, api_version);
  } catch (const std::runtime_error& problem) {
    throw std::runtime_error(who + problem.what());
  }
}

}  // namespace wp::kube
