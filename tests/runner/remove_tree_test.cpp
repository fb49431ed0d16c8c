// Folders that programs made hard to remove, as root and as somebody whom permissions bind.
#include "runner/handlers/remove_tree.h"

#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "tests/support/temp_folder.h"

using namespace wp;
using runner::remove_tree;

namespace {

constexpr uid_t kNobody = 65534;

// On a thread that is nobody, where the test is root: to the kernel each thread has its own ids.
// The test's folder is theirs from then on.
void as_user(const test::OwnFolder& folder, const std::function<void()>& work) {
  if (geteuid() != 0) return work();
  REQUIRE(chown(folder.path().c_str(), kNobody, kNobody) == 0);
  std::thread([&work] {
    if (syscall(SYS_setresuid, kNobody, kNobody, kNobody) == 0) work();
  }).join();
}

void make_file(const std::string& path) {
  std::ofstream(path) << "x";
}

// As deep as asked for, below `folder`; a path could not name the lowest.
void dig(const std::string& folder, int depth) {
  int at = open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  for (int level = 0; level < depth; ++level) {
    REQUIRE(mkdirat(at, "a folder below the one above", 0700) == 0);
    const int below = openat(at, "a folder below the one above", O_RDONLY | O_DIRECTORY);
    REQUIRE(below >= 0);
    close(std::exchange(at, below));
  }
  close(at);
}

}  // namespace

TEST_CASE("a tree deeper than there are descriptors, and than a path is long") {
  const test::OwnFolder temp;
  const std::string folder = temp.path() + "/deep";
  std::filesystem::create_directory(folder);
  dig(folder, 3000);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{64, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  const int error = remove_tree(folder);
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(error == 0);
  CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("folders that one may not write, read or enter any more") {
  const test::OwnFolder temp;
  const std::string folder = temp.path() + "/mine";
  int error = -1;
  bool closed = false;
  as_user(temp, [&] {
    for (const char* name : {"", "/none", "/none/none", "/none/none/full", "/read", "/read/full"}) {
      mkdir((folder + name).c_str(), 0700);
      make_file(folder + name + "/file");
    }
    mkdir((folder + "/none/empty").c_str(), 0);
    closed = chmod((folder + "/none/none/full").c_str(), 0500) == 0 &&
             chmod((folder + "/none/none").c_str(), 0) == 0 &&
             chmod((folder + "/none").c_str(), 0) == 0 &&
             chmod((folder + "/read").c_str(), 0500) == 0 && chmod(folder.c_str(), 0) == 0 &&
             access((folder + "/none").c_str(), F_OK) != 0;
    error = remove_tree(folder);
  });
  CHECK(closed);
  CHECK(error == 0);
  CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("links are removed, not followed") {
  const test::OwnFolder temp;
  const std::string folder = temp.path() + "/mine";
  const std::string other = temp.path() + "/other";
  for (const std::string& made : {folder, folder + "/sub", other}) {
    std::filesystem::create_directory(made);
  }
  make_file(other + "/keep");
  chmod(other.c_str(), 0755);
  std::filesystem::create_symlink(other, folder + "/link");
  std::filesystem::create_symlink(other, folder + "/sub/link");
  std::filesystem::create_symlink("nowhere", folder + "/sub/broken");
  mkfifo((folder + "/sub/pipe").c_str(), 0600);
  CHECK(remove_tree(folder) == 0);
  CHECK_FALSE(std::filesystem::exists(folder));
  CHECK(std::filesystem::exists(other + "/keep"));

  std::filesystem::create_symlink(other, folder);  // instead of the folder itself
  CHECK(remove_tree(folder) == 0);
  CHECK_FALSE(std::filesystem::is_symlink(folder));
  CHECK(std::filesystem::exists(other + "/keep"));
}

TEST_CASE("what is not there is removed; what cannot be removed is told, and the rest goes") {
  const test::OwnFolder temp;
  CHECK(remove_tree(temp.path() + "/none") == 0);
  const std::string folder = temp.path() + "/mine";
  // A folder of somebody else with something in it: only root may do something about it.
  if (geteuid() != 0) return;
  int error = 0;
  as_user(temp, [&] { mkdir(folder.c_str(), 0700); });
  std::filesystem::create_directory(folder + "/root");
  make_file(folder + "/root/file");
  as_user(temp, [&] {
    make_file(folder + "/mine");
    error = remove_tree(folder);
  });
  CHECK((error == EACCES || error == EPERM));
  CHECK(std::filesystem::exists(folder + "/root/file"));
  CHECK_FALSE(std::filesystem::exists(folder + "/mine"));
}

TEST_CASE("a removal that is told to stop leaves the rest, and another one ends it") {
  const test::OwnFolder temp;
  const std::string folder = temp.path() + "/mine";
  for (const char* name : {"", "/a", "/b", "/c"}) {
    std::filesystem::create_directory(folder + name);
    make_file(folder + name + "/1");
    make_file(folder + name + "/2");
  }
  const std::atomic<bool> stop{true};
  CHECK(remove_tree(folder, &stop) == ECANCELED);
  CHECK_FALSE(std::filesystem::is_empty(folder));
  CHECK(remove_tree(folder) == 0);
  CHECK_FALSE(std::filesystem::exists(folder));
}
