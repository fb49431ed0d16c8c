// Where local mode keeps its things on this machine, for nobody but this user: sockets, logs, and
// the note that tells other programs of this user where a pool's Redis is.
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace wp::local {

/// $XDG_RUNTIME_DIR/workerpool when that is a folder, else /tmp/workerpool-<uid>. Not created.
std::string runtime_folder();

/// A folder of mode 0700 that belongs to this user, made when it is not there. Throws UsageError
/// when it is someone else's or open to others.
void make_private_folder(const std::string& path);

/// Writes a file of mode 0600 so that whoever sees it sees all of it. Answers 0, or the errno.
int replace_file(const std::string& path, const std::string& bytes);

/// One pool's folder, held by one local mode at a time.
class StateFolder {
 public:
  /// `path` empty: `<runtime_folder()>/<pool>`. Throws UsageError when another process holds it.
  StateFolder(const std::string& path, const std::string& pool);
  ~StateFolder();  // logs stay, for reading
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  UniqueFd lock_;
};

/// `<runtime_folder()>/<pool>.url`, mode 0600, as long as the object lives.
class UrlFile {
 public:
  UrlFile(const std::string& pool, const std::string& url);
  ~UrlFile();
  UrlFile(const UrlFile&) = delete;
  UrlFile& operator=(const UrlFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace wp::local
