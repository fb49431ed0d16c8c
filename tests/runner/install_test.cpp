#include "runner/install.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>

#include "tests/support/temp_folder.h"

using namespace wp;
using namespace wp::runner;
using test::OwnFolder;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& file, const std::string& text, fs::perms mode = fs::perms{0644}) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::trunc) << text;
  fs::permissions(file, mode);
}

std::string read(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// What tools/portable-folder makes, in small; read-only as in an image.
class Source {
 public:
  explicit Source(const std::string& version) {
    write(path() / "bin/workerpool-runner", "program " + version, fs::perms{0555});
    write(path() / "lib/libc.so.6", "library " + version, fs::perms{0444});
    write(path() / "share/workerpool.spdx.json", "list " + version, fs::perms{0444});
  }
  fs::path path() const { return folder_.path(); }

 private:
  OwnFolder folder_;
};

void check_copy(const fs::path& target, const std::string& version) {
  CHECK(read(target / "bin/workerpool-runner") == "program " + version);
  CHECK(read(target / "lib/libc.so.6") == "library " + version);
  CHECK(read(target / "share/workerpool.spdx.json") == "list " + version);
  int entries = 0;
  for (const auto& entry : fs::directory_iterator(target)) entries += entry.exists() ? 1 : 0;
  CHECK(entries == 3);  // nothing of the copying is left
}

std::string refusal(const fs::path& source, const fs::path& target) {
  try {
    install_folder(source, target);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a copy is whole, and everybody may read and run it") {
  const Source source("1");
  const OwnFolder folder;
  const fs::path target = fs::path(folder.path()) / "below" / "share";
  install_folder(source.path(), target);
  check_copy(target, "1");
  CHECK(fs::status(target / "bin/workerpool-runner").permissions() == fs::perms{0755});
  CHECK(fs::status(target / "lib/libc.so.6").permissions() == fs::perms{0644});
  CHECK(fs::status(target / "lib").permissions() == fs::perms{0755});
}

TEST_CASE("once more, and another version over it, are the same as the first time") {
  const Source first("1");
  const Source second("2");
  const OwnFolder target;
  for (int i = 0; i < 2; ++i) install_folder(first.path(), target.path());
  check_copy(target.path(), "1");
  std::ifstream running(target.path() + "/bin/workerpool-runner");
  install_folder(second.path(), target.path());
  check_copy(target.path(), "2");
  std::string text;
  std::getline(running, text);
  CHECK(text == "program 1");  // who runs the old one keeps it
}

TEST_CASE("a copy that fails leaves no program, what a killed one left is taken over") {
  const Source first("1");
  const Source second("2");
  const OwnFolder target;
  install_folder(first.path(), target.path());
  // The libraries can't be replaced any more, whoever asks: the program must not run with them.
  fs::remove_all(target.path() + "/lib");
  write(target.path() + "/lib", "in the way");
  CHECK(refusal(second.path(), target.path()) != "");
  CHECK_FALSE(fs::exists(target.path() + "/bin/workerpool-runner"));
  CHECK_FALSE(fs::exists(target.path() + "/.workerpool-incoming"));
  fs::remove(target.path() + "/lib");
  write(target.path() + "/.workerpool-incoming/lib/libc.so.6", "half a lib");
  install_folder(second.path(), target.path());
  check_copy(target.path(), "2");
}

TEST_CASE("what is no folder of ours is neither copied nor written over") {
  const Source source("1");
  const OwnFolder other;
  write(other.path() + "/lib/precious", "");
  CHECK(holds(refusal(source.path(), other.path()), "holds \"lib\" and is no earlier copy"));
  CHECK(fs::exists(other.path() + "/lib/precious"));
  CHECK(holds(refusal(other.path(), source.path()), "it has no bin/workerpool-runner"));
  CHECK(holds(refusal(source.path(), source.path()), "is the runner's own folder"));
  write(other.path() + "/file", "");
  CHECK(
      holds(refusal(source.path(), other.path() + "/file"), "cannot be written: Not a directory"));
}
