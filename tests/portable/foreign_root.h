// A root folder such as an image has: a distribution's files, or none, and in it at /workerpool a
// copy of the self-contained runner, put there by `workerpool-runner install` as an init container
// does it. Gone with the object. Needs root and the folder that the build makes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace wp::test {

class ForeignRoot {
 public:
  /// `mounts` are paths of this machine by the path in the root, read-only.
  explicit ForeignRoot(std::map<std::string, std::string> mounts = {});

  /// Below the root: folders are made.
  void write(const std::string& path, const std::string& text) const;
  void copy(const std::string& from, const std::string& path) const;
  void link(const std::string& target, const std::string& path) const;
  std::string path() const { return folder_.path(); }

  /// Starts a program of it with this environment alone.
  std::unique_ptr<Process> start(const std::vector<std::string>& words,
                                 const std::vector<std::string>& environment = {}) const;

 private:
  std::vector<std::string> command(const std::map<std::string, std::string>& mounts) const;

  OwnFolder folder_;
  OwnFolder logs_;
  std::map<std::string, std::string> mounts_;
};

/// The folder that tools/portable-folder made in the build.
std::string portable_folder();

}  // namespace wp::test
