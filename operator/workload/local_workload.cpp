#include "operator/workload/local_workload.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ids.h"
#include "base/log.h"
#include "operator/workload/worker_command.h"

namespace wp::workload {
namespace {

constexpr int kCannotExecute = 126;  // a shell's exit status for that

WorkerSet::Now now() {
  return {system_clock().steady(), system_clock().wall()};
}

int poll_timeout(Millis deadline) {
  if (deadline == WorkerSet::kNever) return -1;
  const std::int64_t left = (deadline - system_clock().steady()).count() + 1;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3600 * 1000));
}

}  // namespace

LocalWorkload::LocalWorkload(Options options)
    : options_(std::move(options)),
      base_environment_(environment_without("WP_")),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::thread([this] { supervise(); });
}

LocalWorkload::~LocalWorkload() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake();
  thread_.join();
}

View LocalWorkload::observe(const pool::Pool& pool) const {
  const std::lock_guard lock(mutex_);
  View view;
  const auto it = entries_.find(pool.key());
  if (it == entries_.end()) return view;
  Entry& entry = it->second;
  view.known = true;
  view.replicas = entry.set.replicas();
  view.selector = "workerpool.dev/pool=" + pool.meta.name;
  view.pods = entry.set.pods(
      [this](const std::string& uid) { return !options_.registered || options_.registered(uid); },
      now().wall);
  view.witness = entry.set.witness();
  return view;
}

void LocalWorkload::ensure(const pool::Pool& pool, int initial_replicas) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(pool.key());
    if (it != entries_.end()) {
      it->second.pool = pool;
      return;
    }
    WorkerSet set(pool.meta.name, pool.spec.workers.drain_timeout + options_.kill_margin,
                  [] { return random_hex(6); });
    if (!drained_) set.resize(initial_replicas, {}, now());
    entries_.emplace(pool.key(), Entry{pool, std::move(set), {}, false});
  }
  wake();
  if (options_.on_change) options_.on_change(pool.key());
}

void LocalWorkload::scale(const pool::Pool& pool, int replicas,
                          const std::vector<std::string>& victims) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(pool.key());
    if (it == entries_.end()) {
      throw WorkloadError(WorkloadError::Kind::retry, "the pool has no workers' places yet");
    }
    if (drained_) throw WorkloadError(WorkloadError::Kind::gone, "local mode is stopping");
    it->second.set.resize(replicas, victims, now());
  }
  wake();
  if (options_.on_change) options_.on_change(pool.key());
}

int LocalWorkload::mark(const pool::Pool& pool, const std::vector<std::string>& uids) {
  return set_marks(pool, uids, true);
}

int LocalWorkload::unmark(const pool::Pool& pool, const std::vector<std::string>& uids) {
  return set_marks(pool, uids, false);
}

int LocalWorkload::set_marks(const pool::Pool& pool, const std::vector<std::string>& uids,
                             bool marked) {
  int changes = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(pool.key());
    if (it == entries_.end()) return 0;
    for (const std::string& uid : uids) changes += it->second.set.mark(uid, marked) ? 1 : 0;
  }
  if (changes > 0 && options_.on_change) options_.on_change(pool.key());
  return changes;
}

void LocalWorkload::remove(const pool::Pool& pool, const std::string& uid) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(pool.key());
    if (it == entries_.end() || drained_ || !it->second.set.replace(uid, now())) return;
  }
  wake();
  if (options_.on_change) options_.on_change(pool.key());
}

void LocalWorkload::forget(const std::string& pool_key) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(pool_key);
    if (it == entries_.end()) return;
    it->second.set.resize(0, {}, now());
  }
  wake();
}

void LocalWorkload::drain() {
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, entry] : entries_) {
      entry.set.resize(0, {}, now());
      if (!drained_) continue;
      for (const auto& [uid, process] : entry.processes) process->signal(SIGTERM);
    }
    drained_ = true;
  }
  wake();
}

bool LocalWorkload::wait_until_gone(Millis patience) {
  std::unique_lock lock(mutex_);
  return gone_.wait_for(lock, patience, [this] {
    return std::all_of(entries_.begin(), entries_.end(), [](const auto& item) {
      return item.second.processes.empty() && item.second.set.empty();
    });
  });
}

void LocalWorkload::supervise() {
  std::vector<pollfd> watched;
  while (true) {
    std::vector<WorkerEnd> ends;
    std::vector<std::string> changed;
    Millis deadline = WorkerSet::kNever;
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      bury_the_dead(ends);
      watched.assign(1, {wake_.get(), POLLIN, 0});
      for (auto& [key, entry] : entries_) {
        carry_out(entry, ends);
        if (std::exchange(entry.changed, false)) changed.push_back(key);
        deadline = std::min(deadline, entry.set.next_deadline());
        for (const auto& [uid, process] : entry.processes) {
          watched.push_back({process->pidfd(), POLLIN, 0});
        }
      }
    }
    gone_.notify_all();
    for (const WorkerEnd& end : ends) {
      if (options_.on_end) options_.on_end(end);
    }
    for (const std::string& key : changed) {
      if (options_.on_change) options_.on_change(key);
    }
    (void)poll(watched.data(), watched.size(), poll_timeout(deadline));
    std::uint64_t ignored = 0;
    (void)!read(wake_.get(), &ignored, sizeof ignored);
  }
}

void LocalWorkload::carry_out(Entry& entry, std::vector<WorkerEnd>& ends) {
  const WorkerSet::Todo todo = entry.set.due(system_clock().steady());
  for (const std::string& uid : todo.start) start(entry, uid, ends);
  for (const std::string& uid : todo.terminate) entry.processes.at(uid)->signal(SIGTERM);
  for (const std::string& uid : todo.kill) {
    log::warn("a worker did not leave in its time and is killed", {{"uid", uid}});
    entry.processes.at(uid)->signal(SIGKILL);
  }
}

void LocalWorkload::start(Entry& entry, const std::string& uid, std::vector<WorkerEnd>& ends) {
  entry.changed = true;
  const WorkerIdentity identity{entry.set.name_of(uid), uid};
  const std::string log_file = log_of(entry, uid);
  try {
    Command command =
        worker_command(options_.runner, entry.pool, options_.endpoint, identity, base_environment_);
    command.directory = options_.directory;
    UniqueFd log;
    if (!log_file.empty()) {
      log.reset(open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
      command.output = log.get();
    }
    auto process = std::make_unique<ChildProcess>(command);
    entry.set.started(uid, process->pid(), system_clock().steady());
    entry.processes[uid] = std::move(process);
  } catch (const std::exception& e) {
    entry.processes.erase(uid);
    entry.set.ended(uid, system_clock().steady(), e.what(), kCannotExecute);
    ends.push_back({identity.name, uid, false, e.what(), log_file});
  }
}

void LocalWorkload::bury_the_dead(std::vector<WorkerEnd>& ends) {
  for (auto& [key, entry] : entries_) {
    for (auto it = entry.processes.begin(); it != entry.processes.end();) {
      const std::optional<int> status = it->second->reap();
      if (!status) {
        ++it;
        continue;
      }
      const std::string uid = it->first;
      WorkerEnd end{entry.set.name_of(uid), uid, false, describe_end(*status), log_of(entry, uid)};
      entry.set.ended(uid, system_clock().steady(), "ended with " + end.how, exit_code_of(*status));
      end.expected = entry.set.name_of(uid).empty();  // its place is gone with it
      ends.push_back(std::move(end));
      it = entry.processes.erase(it);
      entry.changed = true;
    }
  }
}

std::string LocalWorkload::log_of(const Entry& entry, const std::string& uid) const {
  if (options_.log_folder.empty()) return "";
  return options_.log_folder + "/worker-" + std::to_string(entry.set.number_of(uid)) + ".log";
}

void LocalWorkload::wake() const {
  const std::uint64_t one = 1;
  (void)!write(wake_.get(), &one, sizeof one);
}

}  // namespace wp::workload
