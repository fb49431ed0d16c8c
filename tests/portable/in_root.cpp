// workerpool-test-in-root ROOT [FROM:TO ...] -- [NAME=VALUE ...] PROGRAM [ARGUMENT ...]
//
// Becomes PROGRAM in the folder ROOT, as a container would have it: user 65532, /proc, FROM of this
// machine mounted read-only at TO of that root (both exist; `small` for FROM is a writable file
// system of 4 MB), that environment and no other. The mounts are this process's own and end with
// it. Needs root. Exit 125 when something fails.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <grp.h>
#include <iostream>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned kUser = 65532;

void check(int result, const std::string& what) {
  if (result == 0) return;
  std::cerr << "in-root: " << what << ": " << std::strerror(errno) << "\n";
  std::_Exit(125);
}

void mount_at(const std::string& from, const std::string& to) {
  if (from == "small") {
    check(::mount("tmpfs", to.c_str(), "tmpfs", 0, "size=4m,mode=1777"), "mount " + to);
    return;
  }
  check(::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr), "mount " + to);
  check(::mount(nullptr, to.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr),
        "mount read-only " + to);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) return 125;
  const std::string root = words[0];
  std::size_t next = 1;

  check(::unshare(CLONE_NEWNS), "unshare");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount /");
  // A mount point of its own: nothing that is mounted below it stays behind.
  check(::mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr), "mount " + root);
  for (; next < words.size() && words[next] != "--"; ++next) {
    const std::size_t colon = words[next].find(':');
    mount_at(words[next].substr(0, colon), root + words[next].substr(colon + 1));
  }
  check(::mount("proc", (root + "/proc").c_str(), "proc", 0, nullptr), "mount /proc");
  check(::chroot(root.c_str()), "chroot");
  check(::chdir("/"), "chdir");
  check(::setgroups(0, nullptr), "setgroups");
  check(::setgid(kUser), "setgid");
  check(::setuid(kUser), "setuid");

  std::vector<char*> environment;
  for (++next; next < words.size() && words[next].find('=') != std::string::npos; ++next) {
    environment.push_back(words[next].data());
  }
  environment.push_back(nullptr);
  std::vector<char*> command;
  for (; next < words.size(); ++next) command.push_back(words[next].data());
  command.push_back(nullptr);
  check(::execve(command[0], command.data(), environment.data()), command[0]);
}
