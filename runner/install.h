// `workerpool-runner install TARGET`: copies the self-contained folder that this program lives in
// (bin/, lib/, share/; see tools/portable-folder) into a folder that a pod's containers share, so
// that the runner works in an image that knows nothing of it. Used by main() only.
//
// A half copy is never run: the program is removed first and comes back last, by a rename. As any
// user, any number of times; another process that installs into the same folder waits.
#pragma once

#include <filesystem>

namespace wp::runner {

/// Copies `source` to `target`, which is made when it is missing. Throws std::runtime_error that
/// says what to do: `source` is no such folder, `target` holds files of somebody else, can't be
/// written to or has no space.
void install_folder(const std::filesystem::path& source, const std::filesystem::path& target);

/// The folder above the bin/ or lib/ that holds this program.
std::filesystem::path own_folder();

/// The sub-command: its words begin with "install". Throws as above, and UsageError.
int run_install(int argc, const char* const* argv);

}  // namespace wp::runner
