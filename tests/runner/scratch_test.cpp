// What becomes of scratch folders whose runner was killed, where something is in the way.
#include "runner/handlers/scratch.h"

#include <cerrno>
#include <cstddef>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::runner;
using wp::test::eventually;

namespace {

constexpr uid_t kNobody = 65534;

// On a thread whose flock() answers EWOULDBLOCK when it must not wait. One that may wait gets what
// it wants.
bool with_locks_refused(const std::function<void()>& work) {
  bool refused = false;
  std::thread([&] {
    // NOLINTBEGIN(modernize-avoid-c-arrays): the kernel's macros
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_flock, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, LOCK_NB, 0, 2),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EWOULDBLOCK),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
    };
    // NOLINTEND(modernize-avoid-c-arrays)
    const sock_fprog program{static_cast<unsigned short>(std::size(rules)), rules};
    refused = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
              prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (refused) work();
  }).join();
  return refused;
}

// On a thread that is nobody: to the kernel each thread has its own ids.
void as_nobody(const std::function<void()>& work) {
  std::thread([&work] {
    if (syscall(SYS_setresuid, kNobody, kNobody, kNobody) == 0) work();
  }).join();
}

// As a killed runner leaves them, each with so many files. Answers the anchor.
std::string leave(const std::string& base, int folders, int files) {
  const std::string pool = ScratchAnchor(base).pool();
  for (int number = 0; number <= folders; ++number) {
    const std::string folder = base + "/" + scratch_name(pool, number);
    std::filesystem::create_directory(folder);
    for (int file = 0; number > 0 && file < files; ++file) {
      std::ofstream(folder + "/" + std::to_string(file)) << "x";
    }
  }
  return base + "/" + scratch_name(pool, 0);
}

bool is_free(const std::string& anchor) {
  const UniqueFd file(open(anchor.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return file && flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

}  // namespace

TEST_CASE("where no lock is to be had, nothing is waited for, and no anchor stays") {
  const test::OwnFolder base;
  std::string pool;
  bool empty = false;
  REQUIRE(with_locks_refused([&] {
    const ScratchAnchor anchor(base.path());
    pool = anchor.pool();
    empty = std::filesystem::is_empty(base.path());
  }));
  CHECK(empty);
  CHECK_FALSE(pool.empty());
}

TEST_CASE("the end does not wait for what others have left: the next one does that") {
  const test::OwnFolder base;
  const std::string anchor = leave(base.path(), 40, 500);
  { const ScratchPool first(base.path()); }
  CHECK(std::filesystem::exists(anchor));
  const ScratchPool next(base.path());
  CHECK(eventually([&] { return !std::filesystem::exists(anchor); }));
  // Its own anchor.
  CHECK(std::distance(std::filesystem::directory_iterator(base.path()), {}) == 1);
}

TEST_CASE("an anchor stays for as long as one of its folders does") {
  if (geteuid() != 0) return;  // a folder that cannot be removed takes two users
  const test::OwnFolder base;
  REQUIRE(chown(base.path().c_str(), kNobody, kNobody) == 0);
  std::string anchor;
  as_nobody([&] { anchor = leave(base.path(), 2, 1); });
  const std::string front = anchor.substr(0, anchor.size() - 1);
  std::filesystem::create_directory(front + "1/root");
  std::ofstream(front + "1/root/file") << "x";
  as_nobody([&] {
    const ScratchPool pool(base.path());
    (void)eventually([&] { return is_free(anchor); });
  });
  CHECK(std::filesystem::exists(anchor));
  CHECK(std::filesystem::exists(front + "1/root/file"));
  CHECK_FALSE(std::filesystem::exists(front + "2"));

  std::filesystem::remove_all(front + "1/root");
  as_nobody([&] {
    const ScratchPool pool(base.path());
    (void)eventually([&] { return !std::filesystem::exists(anchor); });
  });
  CHECK(std::filesystem::is_empty(base.path()));
}
