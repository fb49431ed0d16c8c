#include "operator/local/status_file.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

#include "base/log.h"
#include "operator/local/state_folder.h"

namespace wp::local {

StatusFile::StatusFile(const std::string& pool, nlohmann::json object)
    : path_(runtime_folder() + "/" + pool + ".status.json"), object_(std::move(object)) {
  make_private_folder(runtime_folder());
  object_["local"] = {{"pid", getpid()}};
}

StatusFile::~StatusFile() {
  unlink(path_.c_str());
}

void StatusFile::write(const nlohmann::json& status, const std::vector<std::string>& leaving) {
  const std::lock_guard lock(mutex_);
  object_["status"] = status;
  object_["local"]["leaving"] = leaving;
  if (const int error = replace_file(path_, object_.dump() + "\n"); error != 0 && !told_) {
    told_ = true;
    log::warn("the pool's status cannot be left for other programs",
              {{"file", path_}, {"error", std::strerror(error)}});
  }
}

}  // namespace wp::local
