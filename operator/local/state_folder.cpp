#include "operator/local/state_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/options.h"

namespace wp::local {
namespace {

UsageError trouble(const std::string& path, const std::string& what) {
  return UsageError(fmt::format("state-dir: {}: {}", path, what));
}

}  // namespace

std::string runtime_folder() {
  const char* given = std::getenv("XDG_RUNTIME_DIR");
  std::error_code ignored;
  if (given != nullptr && *given != '\0' && std::filesystem::is_directory(given, ignored)) {
    return std::string(given) + "/workerpool";
  }
  return "/tmp/workerpool-" + std::to_string(getuid());
}

void make_private_folder(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (!parent.empty()) std::filesystem::create_directories(parent, ignored);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    throw trouble(path, std::strerror(errno));
  }
  // In /tmp anybody may have made it before us.
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != getuid()) {
    throw trouble(path, "is not a folder of this user; name another one with --state-dir");
  }
  if ((info.st_mode & 077) != 0 && chmod(path.c_str(), 0700) != 0) {
    throw trouble(path, "is open to other users");
  }
}

int replace_file(const std::string& path, const std::string& bytes) {
  const std::string draft = path + "." + std::to_string(getpid());
  errno = 0;
  const UniqueFd file(open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file && write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
      rename(draft.c_str(), path.c_str()) == 0) {
    return 0;
  }
  // A disk that is full takes a part and sets no errno.
  const int error = errno != 0 ? errno : ENOSPC;
  unlink(draft.c_str());
  return error;
}

StateFolder::StateFolder(const std::string& path, const std::string& pool) : path_(path) {
  if (path_.empty()) {
    make_private_folder(runtime_folder());
    path_ = runtime_folder() + "/" + pool;
  }
  path_ = std::filesystem::absolute(path_);
  make_private_folder(path_);
  lock_.reset(open((path_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) throw trouble(path_, std::strerror(errno));
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw UsageError(fmt::format(
        "pool {} runs on this machine already (it holds {}); stop it, or give another --state-dir",
        pool, path_));
  }
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("worker-") && name.ends_with(".log")) {
      std::error_code ignored;
      std::filesystem::remove(entry.path(), ignored);
    }
  }
}

StateFolder::~StateFolder() = default;

UrlFile::UrlFile(const std::string& pool, const std::string& url) {
  make_private_folder(runtime_folder());
  path_ = runtime_folder() + "/" + pool + ".url";
  if (const int error = replace_file(path_, url + "\n"); error != 0) {
    throw trouble(path_, std::strerror(error));
  }
}

UrlFile::~UrlFile() {
  unlink(path_.c_str());
}

}  // namespace wp::local
