// What a local pool is and how it does, for other programs of this user (workerpoolctl pools):
// <runtime folder>/<pool>.status.json, mode 0600, as long as local mode runs. The document is the
// WorkerPool as a cluster would store it, with its status, and beside them `local`: {pid, leaving}.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace wp::local {

class StatusFile {
 public:
  /// `object`: the pool without a status. Makes the runtime folder; throws UsageError when that
  /// cannot be. The file comes with the first write.
  StatusFile(const std::string& pool, nlohmann::json object);
  ~StatusFile();  // the file is gone
  StatusFile(const StatusFile&) = delete;
  StatusFile& operator=(const StatusFile&) = delete;

  const std::string& path() const { return path_; }

  /// Whoever reads the file sees all of it. Any thread. A disk that is full is told once in the log
  /// and nothing else: the pool works on.
  void write(const nlohmann::json& status, const std::vector<std::string>& leaving);

 private:
  std::mutex mutex_;
  std::string path_;
  nlohmann::json object_;
  bool told_ = false;
};

}  // namespace wp::local
