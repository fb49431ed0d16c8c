#include "runner/handlers/scratch_anchor.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/ids.h"
#include "base/unique_dir.h"

namespace wp::runner {
namespace {

constexpr std::string_view kFront = "wp-job-";
constexpr std::string_view kAnchor = "-0";
constexpr int kTries = 3;

// The first part of this boot's uuid: names of pools begin with it.
std::string boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string uuid;
  file >> uuid;
  return uuid.substr(0, uuid.find('-'));
}

UniqueFd open_folder(const std::string& path) {
  return UniqueFd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool is_ours(const struct stat& info) {
  return S_ISDIR(info.st_mode) && info.st_uid == geteuid();
}

// The lock on that folder, unless somebody holds it, or it is no folder of ours, or gone by now.
UniqueFd lock_folder(const std::string& path) {
  UniqueFd file = open_folder(path);
  struct stat info {};
  if (!file || flock(file.get(), LOCK_EX | LOCK_NB) != 0 || fstat(file.get(), &info) != 0 ||
      !is_ours(info) || info.st_nlink == 0) {
    file.reset();
  }
  return file;
}

std::vector<std::string> names_in(const std::string& base) {
  std::vector<std::string> names;
  const UniqueDir dir(opendir(base.c_str()));
  if (!dir) return names;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(kFront)) names.emplace_back(name);
  }
  return names;
}

}  // namespace

std::string scratch_name(const std::string& pool, std::int64_t number) {
  return std::string(kFront) + pool + "-" + std::to_string(number);
}

ScratchAnchor::ScratchAnchor(const std::string& base) {
  for (int tries = 0; tries < kTries; ++tries) {
    pool_ = boot() + random_hex(12);
    const std::string path = base + "/" + scratch_name(pool_, 0);
    if (mkdir(path.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      return;
    }
    // Somebody who looks for what is left may be quicker than the lock: that name is theirs then.
    if (UniqueFd file = lock_folder(path)) {
      path_ = path;
      lock_ = std::move(file);
      return;
    }
    rmdir(path.c_str());
  }
}

ScratchAnchor::~ScratchAnchor() {
  if (!path_.empty()) rmdir(path_.c_str());
}

std::vector<ScratchLeft> find_left_scratch(const std::string& base) {
  std::vector<ScratchLeft> all;
  const std::string here = std::string(kFront) + boot();
  if (here == kFront) return all;
  for (const std::string& anchor : names_in(base)) {
    if (!anchor.starts_with(here) || !anchor.ends_with(kAnchor)) continue;
    ScratchLeft left;
    left.anchor = base + "/" + anchor;
    left.lock = lock_folder(left.anchor);
    if (!left.lock) continue;
    const std::string pool = anchor.substr(0, anchor.size() - kAnchor.size() + 1);  // with its dash
    // Read under the lock: before it, the owner may still have made folders.
    for (const std::string& name : names_in(base)) {
      const std::string path = base + "/" + name;
      struct stat info {};
      if (name == anchor || !name.starts_with(pool)) continue;
      if (lstat(path.c_str(), &info) == 0 && is_ours(info)) left.folders.push_back(path);
    }
    all.push_back(std::move(left));
  }
  return all;
}

}  // namespace wp::runner
