#include "runner/handlers/scratch.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/unique_dir.h"
#include "base/unique_fd.h"
#include "runner/handlers/remove_tree.h"

namespace wp::runner {
namespace {

constexpr off_t kMaxReadBytes = 16 * 1024 * 1024;  // the largest session that a pool may allow

bool remove_scratch(const std::string& folder, const std::atomic<bool>* stop = nullptr) {
  const int error = remove_tree(folder, stop);
  if (error != 0 && error != ECANCELED) {
    log::warn("a scratch folder could not be removed",
              {{"folder", folder}, {"error", std::strerror(error)}});
  }
  return error == 0;
}

// Whether the folder is as make_scratch() left it.
bool is_untouched(const std::string& folder) {
  UniqueFd file(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0 || (info.st_mode & 07777) != 0700) return false;
  const UniqueDir dir(fdopendir(file.get()));
  if (!dir) return false;
  (void)file.release();  // the stream's by now
  int entries = 0;
  while (entries <= 2 && readdir(dir.get()) != nullptr) ++entries;
  return entries <= 2;  // itself and the one above
}

// For this user only. Empty when that is not possible, with errno set.
std::string make_scratch(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) == 0) return folder;
  if (errno == EEXIST) {
    (void)remove_scratch(folder);
    if (mkdir(folder.c_str(), 0700) == 0) return folder;
  }
  return {};
}

}  // namespace

int write_scratch(const std::string& folder, const char* name, std::string_view bytes) {
  const std::string path = folder + "/" + name;
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return errno;
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

std::optional<std::string> read_scratch(const std::string& folder, const char* name) {
  const std::string path = folder + "/" + name;
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno == ENOENT) return "";
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
      info.st_size > kMaxReadBytes) {
    return std::nullopt;
  }
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + got, bytes.size() - got);
    if (n == 0 || (n < 0 && errno != EINTR)) break;
    if (n > 0) got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  return bytes;
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
  const std::lock_guard lock(mutex_);
  own_.push_back(std::move(folder));
  begin();
}

void ScratchCleaner::remove(ScratchLeft left) {
  log::info("removing what a runner that was killed has left",
            {{"folders", left.folders.size()}, {"anchor", left.anchor}});
  const std::lock_guard lock(mutex_);
  left_.push_back(std::move(left));
  begin();
}

void ScratchCleaner::begin() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_one();
}

void ScratchCleaner::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !own_.empty() || !left_.empty(); });
    if (!own_.empty()) {
      const std::string folder = std::move(own_.front());
      own_.pop_front();
      lock.unlock();
      (void)remove_scratch(folder);
      lock.lock();
    } else if (stop_) {
      return;
    } else {
      ScratchLeft left = std::move(left_.front());
      left_.pop_front();
      lock.unlock();
      const bool done = remove_some(left);
      if (done) left = {};
      lock.lock();
      if (!done) left_.push_front(std::move(left));
    }
  }
}

bool ScratchCleaner::remove_some(ScratchLeft& left) {
  if (!left.folders.empty()) {
    // Without its anchor nobody would look for it again.
    if (!remove_scratch(left.folders.back(), &stop_)) left.keep_anchor = true;
    left.folders.pop_back();
  }
  if (!left.folders.empty()) return false;
  if (!left.keep_anchor) (void)remove_scratch(left.anchor);
  return true;
}

ScratchPool::ScratchPool(std::string base) : base_(std::move(base)), anchor_(base_) {
  for (ScratchLeft& left : find_left_scratch(base_)) cleaner_.remove(std::move(left));
}

ScratchPool::~ScratchPool() {
  for (std::string& folder : unused_) cleaner_.remove(std::move(folder));
}

// By another name: what the job before left running, and whoever cleans up here, knows the old one.
std::string ScratchPool::take() {
  while (!unused_.empty()) {
    const std::string old = std::move(unused_.back());
    unused_.pop_back();
    std::string folder = base_ + "/" + scratch_name(anchor_.pool(), ++made_);
    if (rename(old.c_str(), folder.c_str()) != 0) continue;  // it is gone
    if (is_untouched(folder)) return folder;
    cleaner_.remove(std::move(folder));
  }
  return make_scratch(base_ + "/" + scratch_name(anchor_.pool(), ++made_));
}

void ScratchPool::give_back(std::string folder) {
  if (is_untouched(folder)) {
    unused_.push_back(std::move(folder));
  } else {
    cleaner_.remove(std::move(folder));
  }
}

}  // namespace wp::runner
