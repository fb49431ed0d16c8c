// Removes a folder that a program has filled as it liked: a tree of any depth, with folders that it
// may not write, or not even read, itself. Holds four descriptors at most, whatever the depth: a
// walk that holds one per level takes those away that the other jobs need. Any thread.
#pragma once

#include <atomic>
#include <string>

namespace wp::runner {

/// Answers 0, or the errno of something that stays. Follows no symbolic link. Gives up with
/// ECANCELED, at once, when `stop` becomes true: what is left by then can be removed later.
int remove_tree(const std::string& folder, const std::atomic<bool>* stop = nullptr);

}  // namespace wp::runner
