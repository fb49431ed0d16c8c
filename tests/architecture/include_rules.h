// The arrows between the folders, held against the #include lines of a tree:
//
//   ctl, operator, runner -> queue -> base
//
// within operator/: pool, scaling and kube know nothing of each other, nor of the queue; the rest
// may know everything of operator/. operator/sizing is where pool and scaling meet. ctl may use
// these three, to simulate with the operator's own decision, and operator/kube to read the pools of
// a cluster. Beside that, who may include cpp-httplib, which costs seconds in every translation
// unit. Pure but for reading the tree.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wp::test {

struct TreeReport {
  int files = 0;                        // looked at
  int includes = 0;                     // of our own files
  std::vector<std::string> violations;  // file:line: what, and what is allowed
  std::vector<std::string> http_users;  // product files that include httplib.h
};

TreeReport check_includes(const std::filesystem::path& root);

}  // namespace wp::test
