// A folder that is being read (opendir, fdopendir) and closes itself.
#pragma once

#include <dirent.h>
#include <memory>

namespace wp {

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};
using UniqueDir = std::unique_ptr<DIR, CloseDir>;

}  // namespace wp
