// The scratch folder of a job: made before it starts, removed when it ended. An empty one goes at
// once; one that was used is removed on a thread of its own, made at the first need, because a
// large tree takes long and the handler loop must not wait.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runner/handlers/scratch_anchor.h"

namespace wp::runner {

/// Writes a new file of that folder. Answers 0, or errno.
int write_scratch(const std::string& folder, const char* name, std::string_view bytes);

/// What a program left in a file of that folder; empty when there is none. Absent when it is no
/// regular file of at most 16 MiB: it may have put anything there, and this never blocks.
std::optional<std::string> read_scratch(const std::string& folder, const char* name);

class ScratchCleaner {
 public:
  ScratchCleaner() = default;
  ~ScratchCleaner();  // removes what is left of its own process
  ScratchCleaner(const ScratchCleaner&) = delete;
  ScratchCleaner& operator=(const ScratchCleaner&) = delete;

  void remove(std::string folder);
  /// Of a process that is gone: when nothing else is to be done, and not at the end, which must not
  /// wait for it. The lock is let go of then.
  void remove(ScratchLeft left);

 private:
  void begin();  // with the mutex held
  void run();
  /// A part of it; true when there is nothing more to do about it.
  bool remove_some(ScratchLeft& left);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> own_;
  std::deque<ScratchLeft> left_;
  std::atomic<bool> stop_{false};  // changes with the mutex held
  std::thread thread_;
};

/// Folders for jobs that follow each other quickly: one that a job left as it was is the next
/// one's, since making and removing folders costs milliseconds on some disks. Used folders are
/// removed. One thread only.
class ScratchPool {
 public:
  /// Removes what processes that were killed have left there (scratch_anchor.h).
  explicit ScratchPool(std::string base);
  ~ScratchPool();  // removes what is left
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;

  /// An empty folder of nobody else. Empty when that is not possible, with errno set.
  std::string take();
  void give_back(std::string folder);
  /// Of a job that may still have processes.
  void discard(std::string folder) { cleaner_.remove(std::move(folder)); }

 private:
  std::string base_;
  ScratchAnchor anchor_;  // goes after the cleaner
  std::int64_t made_ = 0;
  std::vector<std::string> unused_;
  ScratchCleaner cleaner_;
};

}  // namespace wp::runner
