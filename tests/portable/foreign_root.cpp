#include "tests/portable/foreign_root.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace wp::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kShared = "/share";

}  // namespace

std::string portable_folder() {
  return fs::path(program("")).parent_path().parent_path() / "portable" / "folder";
}

ForeignRoot::ForeignRoot(std::map<std::string, std::string> mounts) : mounts_(std::move(mounts)) {
  const fs::path root = folder_.path();
  fs::permissions(root, fs::perms{0755});
  for (const char* name : {"proc", "tmp", "etc", "workerpool"}) fs::create_directories(root / name);
  fs::permissions(root / "tmp", fs::perms{01777});
  for (const auto& [to, from] : mounts_) fs::create_directories(root / to.substr(1));

  // As in a pod: the runner's image at one side, the volume at the other.
  const fs::path shared = root / (kShared + 1);
  fs::create_directories(shared);
  fs::permissions(shared, fs::perms{0777});
  std::vector<std::string> words = command({{"/workerpool", portable_folder()}});
  for (const char* word : {"/workerpool/bin/workerpool-runner", "install", kShared}) {
    words.emplace_back(word);
  }
  Process install(words, logs_.path() + "/install.log");
  if (install.wait() != 0) throw std::runtime_error("install: " + install.output());
  fs::remove(root / "workerpool");
  fs::rename(shared, root / "workerpool");
}

std::vector<std::string> ForeignRoot::command(
    const std::map<std::string, std::string>& mounts) const {
  std::vector<std::string> words = {program("workerpool-test-in-root"), folder_.path()};
  for (const auto& [to, from] : mounts) words.push_back(from + ":" + to);
  words.emplace_back("--");
  return words;
}

void ForeignRoot::write(const std::string& path, const std::string& text) const {
  const fs::path file = folder_.path() + path;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::trunc) << text;
}

void ForeignRoot::copy(const std::string& from, const std::string& path) const {
  const fs::path file = folder_.path() + path;
  fs::create_directories(file.parent_path());
  fs::copy_file(from, file, fs::copy_options::overwrite_existing);
}

void ForeignRoot::link(const std::string& target, const std::string& path) const {
  fs::create_symlink(target, folder_.path() + path);
}

std::unique_ptr<Process> ForeignRoot::start(const std::vector<std::string>& words,
                                            const std::vector<std::string>& environment) const {
  std::vector<std::string> all = command(mounts_);
  all.insert(all.end(), environment.begin(), environment.end());
  all.insert(all.end(), words.begin(), words.end());
  static int number = 0;
  return std::make_unique<Process>(all, logs_.path() + "/run-" + std::to_string(++number) + ".log");
}

}  // namespace wp::test
