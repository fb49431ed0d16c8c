#include "operator/local/state_folder.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "base/options.h"
#include "operator/local/status_file.h"

using namespace wp;
using namespace wp::local;

namespace {

struct Runtime {
  std::string path = std::filesystem::temp_directory_path() / "wp-runtime.XXXXXX";
  Runtime() {
    REQUIRE(mkdtemp(path.data()) != nullptr);
    setenv("XDG_RUNTIME_DIR", path.c_str(), 1);
  }
  ~Runtime() {
    unsetenv("XDG_RUNTIME_DIR");
    std::filesystem::remove_all(path);
  }
};

int mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

}  // namespace

TEST_CASE_FIXTURE(Runtime, "the address is for this user only, and gone at the end") {
  std::string file;
  {
    const UrlFile url("p", "unix:///run/x.sock");
    file = url.path();
    CHECK(file == path + "/workerpool/p.url");
    CHECK(mode_of(file) == 0600);
    CHECK(mode_of(path + "/workerpool") == 0700);
    std::string line;
    std::getline(std::ifstream(file) >> std::ws, line);
    CHECK(line == "unix:///run/x.sock");
  }
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE_FIXTURE(Runtime, "the pool and its status are for this user only, and gone at the end") {
  std::string file;
  {
    StatusFile status("p", {{"metadata", {{"name", "p"}}}});
    file = status.path();
    CHECK(file == path + "/workerpool/p.status.json");
    CHECK_FALSE(std::filesystem::exists(file));
    status.write({{"replicas", 3}}, {"worker-1"});
    status.write({{"replicas", 2}}, {"worker-2", "worker-3"});
    CHECK(mode_of(file) == 0600);
    const auto document = nlohmann::json::parse(std::ifstream(file));
    CHECK(document.at("metadata").at("name") == "p");
    CHECK(document.at("status") == nlohmann::json{{"replicas", 2}});
    CHECK(document.at("local").at("pid") == getpid());
    CHECK(document.at("local").at("leaving") == nlohmann::json{"worker-2", "worker-3"});
    // No draft is left behind.
    const std::filesystem::directory_iterator files(path + "/workerpool");
    CHECK(std::distance(begin(files), end(files)) == 1);
    // Whatever becomes of the file, the pool works on.
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    CHECK_NOTHROW(status.write({{"replicas", 1}}, {}));
    std::filesystem::remove(file);
  }
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE_FIXTURE(Runtime, "a pool's folder is held by one at a time, and its old logs go") {
  auto folder = std::make_unique<StateFolder>("", "p");
  CHECK(folder->path() == path + "/workerpool/p");
  CHECK(mode_of(folder->path()) == 0700);
  CHECK_THROWS_AS(StateFolder("", "p"), UsageError);
  CHECK_NOTHROW(StateFolder(path + "/elsewhere/deep", "p"));
  std::ofstream(folder->path() + "/worker-1.log") << "old";
  folder.reset();
  const StateFolder again("", "p");
  CHECK_FALSE(std::filesystem::exists(again.path() + "/worker-1.log"));
}

TEST_CASE_FIXTURE(Runtime, "a folder that is open to others is closed, a link is refused") {
  std::filesystem::create_directory(path + "/open");
  chmod((path + "/open").c_str(), 0777);
  make_private_folder(path + "/open");
  CHECK(mode_of(path + "/open") == 0700);
  std::filesystem::create_symlink(path + "/open", path + "/link");
  CHECK_THROWS_AS(make_private_folder(path + "/link"), UsageError);
}

TEST_CASE("without a runtime folder of the session it lies in /tmp") {
  unsetenv("XDG_RUNTIME_DIR");
  CHECK(runtime_folder() == "/tmp/workerpool-" + std::to_string(getuid()));
  setenv("XDG_RUNTIME_DIR", "/no/such/folder", 1);
  CHECK(runtime_folder() == "/tmp/workerpool-" + std::to_string(getuid()));
  unsetenv("XDG_RUNTIME_DIR");
}
