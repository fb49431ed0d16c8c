#include "runner/handlers/remove_tree.h"

#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ids.h"
#include "base/unique_dir.h"
#include "base/unique_fd.h"

namespace wp::runner {
namespace {

// Against one that is still filling it.
constexpr int kMaxPasses = 100000;

// A folder of ours may have been closed even to us. False when that is not to be changed, or it is
// no folder.
bool open_up(int at, const char* name) {
  struct stat info {};
  if (fstatat(at, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (!S_ISDIR(info.st_mode)) return errno = ENOTDIR, false;
  return (info.st_mode & 0700) == 0700 || fchmodat(at, name, 0700, 0) == 0;
}

UniqueFd open_folder(int at, const char* name) {
  if (!open_up(at, name)) return {};
  return UniqueFd(openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// All but a folder that holds something: then errno is ENOTEMPTY.
bool remove_one(int at, const char* name) {
  if (unlinkat(at, name, 0) == 0 || errno == ENOENT) return true;
  return errno == EISDIR && unlinkat(at, name, AT_REMOVEDIR) == 0;
}

bool is_filled() {
  return errno == ENOTEMPTY || errno == EEXIST;
}

// Calls `each` with the name of everything in the folder, until it answers false; false when the
// folder cannot be read.
template <typename Each>
bool for_each_entry(int folder, Each each) {
  const int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const UniqueDir dir(own < 0 ? nullptr : fdopendir(own));
  if (!dir) {
    if (own >= 0) close(own);
    return false;
  }
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !each(entry->d_name)) break;
  }
  return true;
}

// A tree is taken apart at its top: the folders in a folder move up beside it, and it goes.
class Leveller {
 public:
  Leveller(int top, const std::atomic<bool>* stop)
      : top_(top), stop_(stop), prefix_(random_hex(16)) {}

  int run() {
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      int left = 0;
      int done = 0;
      error_ = 0;
      const bool read = for_each_entry(top_, [&](const char* name) {
        ++left;
        if (remove_one(top_, name) || (is_filled() ? level(name) : failed())) ++done;
        return !stopped();
      });
      if (!read) return errno;
      if (stopped()) return ECANCELED;
      if (left == 0) return 0;
      if (done == 0) return error_;
    }
    return EBUSY;
  }

 private:
  bool level(const char* name) {
    const UniqueFd folder = open_folder(top_, name);
    if (!folder) return failed();
    const bool read = for_each_entry(folder.get(), [&](const char* inner) {
      if (remove_one(folder.get(), inner)) return !stopped();
      // To move a folder is to write to it: ".." changes.
      if (is_filled() && open_up(folder.get(), inner)) {
        const std::string moved = prefix_ + std::to_string(moves_++);
        if (renameat(folder.get(), inner, top_, moved.c_str()) == 0) return !stopped();
      }
      (void)failed();
      return !stopped();
    });
    if (!read || unlinkat(top_, name, AT_REMOVEDIR) != 0) return failed();
    return true;
  }

  bool stopped() const { return stop_ != nullptr && *stop_; }

  bool failed() {
    if (error_ == 0) error_ = errno;
    return false;
  }

  int top_;
  const std::atomic<bool>* stop_;
  std::string prefix_;
  int moves_ = 0;
  int error_ = 0;  // the first of this pass
};

}  // namespace

int remove_tree(const std::string& folder, const std::atomic<bool>* stop) {
  int error = 0;
  if (const UniqueFd top = open_folder(AT_FDCWD, folder.c_str())) {
    error = Leveller(top.get(), stop).run();
  } else if (errno != ENOTDIR) {
    return errno == ENOENT ? 0 : errno;
  }
  if (error == 0 && !remove_one(AT_FDCWD, folder.c_str())) error = errno;
  return error;
}

}  // namespace wp::runner
