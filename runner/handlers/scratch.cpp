#include "runner/handlers/scratch.h"

#include <cerrno>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "base/log.h"

namespace wp::runner {
namespace {

void remove_tree(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (error) {
    log::warn("a scratch folder could not be removed",
              {{"folder", folder}, {"error", error.message()}});
  }
}

}  // namespace

std::string make_scratch(const std::string& base, const std::string& id, std::int64_t epoch) {
  std::string folder = base + "/wp-job-" + id + "-" + std::to_string(epoch);
  if (mkdir(folder.c_str(), 0700) == 0) return folder;
  // Left by an earlier process that could not clean up: the fence never repeats while the queue
  // lives.
  if (errno == EEXIST) {
    remove_tree(folder);
    if (mkdir(folder.c_str(), 0700) == 0) return folder;
  }
  return {};
}

ScratchCleaner::~ScratchCleaner() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void ScratchCleaner::remove(std::string folder) {
  if (folder.empty() || rmdir(folder.c_str()) == 0 || errno == ENOENT) return;
  {
    const std::lock_guard lock(mutex_);
    folders_.push_back(std::move(folder));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  changed_.notify_one();
}

void ScratchCleaner::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !folders_.empty(); });
    if (folders_.empty()) return;
    const std::string folder = std::move(folders_.front());
    folders_.pop_front();
    lock.unlock();
    remove_tree(folder);
    lock.lock();
  }
}

}  // namespace wp::runner
