// Whose scratch folders are whose: a runner that was killed cannot remove its own, and the next one
// that uses the same place does it.
//
// An anchor is an empty folder beside the scratch folders of its pool, named like them, that its
// process holds a lock on (flock) for as long as it lives. One that can be locked has lost its
// owner, and so have the folders of that name. Only those of this boot and of this user count: on a
// volume that several machines share a lock may say nothing of another one. Locks of a FUSE mount
// are known to that mount only: such a volume is none for scratch folders (docs/pods.md).
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace wp::runner {

/// `wp-job-<pool>-<number>`; number 0 is the anchor.
std::string scratch_name(const std::string& pool, std::int64_t number);

class ScratchAnchor {
 public:
  /// Chooses a name that no other pool has. Where no folder can be made or locked there is no
  /// anchor, and nobody removes what is left behind. Never waits for a lock.
  explicit ScratchAnchor(const std::string& base);
  ~ScratchAnchor();
  ScratchAnchor(const ScratchAnchor&) = delete;
  ScratchAnchor& operator=(const ScratchAnchor&) = delete;

  const std::string& pool() const { return pool_; }

 private:
  std::string pool_;
  std::string path_;
  UniqueFd lock_;
};

/// What a process that is gone has left. The anchor is to go when all of the folders went: by it
/// the next one finds those that stay. Nobody else removes them while `lock` is held.
struct ScratchLeft {
  std::vector<std::string> folders;
  std::string anchor;
  bool keep_anchor = false;  // a folder could not be removed
  UniqueFd lock;
};
std::vector<ScratchLeft> find_left_scratch(const std::string& base);

}  // namespace wp::runner
