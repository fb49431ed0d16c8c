// The self-contained runner where nothing is as it was built for: in the root of another Debian, of
// a musl system and in an empty one. It finds Redis by name, trusts a certificate, runs jobs, maps
// no file that isn't its own, and its handlers get the environment that the image was given.
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <signal.h>
#include <sstream>
#include <unistd.h>

#include "tests/portable/foreign_root.h"
#include "tests/portable/name_server.h"
#include "tests/runner/runner_process.h"
#include "tests/support/free_port.h"
#include "tests/support/tls_files.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;
namespace fs = std::filesystem;

namespace {

constexpr const char* kRunner = "/workerpool/bin/workerpool-runner";
constexpr const char* kHandler = "/handler";
constexpr const char* kNoAlgorithms =
    "openssl_conf = all\n[all]\nproviders = providers\n[providers]\nnull = null\n"
    "[null]\nactivate = 1\n";

void skip(const std::string& why) {
  std::fprintf(stderr, "SKIPPED: %s\n", why.c_str());
  std::_Exit(77);
}

void need_root() {
  if (geteuid() != 0) skip("a root folder of its own needs root (chroot, mount)");
}

// A distribution's /usr, and the links into it. Names are looked up as Fedora does it, by services
// that are not there.
std::unique_ptr<ForeignRoot> debian(const std::string& usr) {
  auto root = std::make_unique<ForeignRoot>(std::map<std::string, std::string>{{"/usr", usr}});
  for (const char* name : {"bin", "lib", "lib64", "sbin"}) {
    root->link("usr/" + std::string(name), "/" + std::string(name));
  }
  root->write("/etc/nsswitch.conf", "hosts: files myhostname resolve [!UNAVAIL=return] dns\n");
  return root;
}

// Any object of that C library. `usr` may be this machine's.
std::string library_of(const std::string& usr) {
  for (const auto& entry : fs::recursive_directory_iterator(
           usr + "/lib", fs::directory_options::skip_permission_denied)) {
    if (entry.path().filename() == "libm.so.6") {
      return "/usr" + entry.path().string().substr(usr.size());
    }
  }
  throw std::runtime_error("no libm.so.6 below " + usr);
}

// What is mapped by the process and does not come from its folder. Memory that it shares with a
// handler has a path, too.
std::string foreign_mappings(pid_t pid) {
  std::istringstream maps(read_file("/proc/" + std::to_string(pid) + "/maps"));
  std::string found;
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    if (path == std::string::npos || line.find("/dev/zero", path) != std::string::npos) continue;
    if (line.find("/workerpool/", path) == std::string::npos) {
      found += line + "\n";
    }
  }
  return found;
}

struct Ground {
  RedisServer redis;
  NameServer names{"queue.dns.test"};
  QueueClient queue{redis};

  void prepare(const ForeignRoot& root) const {
    root.write("/etc/hosts", "127.0.0.1 queue.hosts.test\n");
    root.write("/etc/resolv.conf", "nameserver " + names.address() + "\noptions attempts:1\n");
    root.copy(program("workerpool-test-handler"), kHandler);
  }
  // One job by a runner that knows Redis by this name; its result.
  std::string run_job(const ForeignRoot& root, const std::string& host,
                      const std::vector<std::string>& environment) {
    const auto runner =
        root.start({kRunner, "--redis", "redis://" + host + ":" + std::to_string(redis.port()),
                    "--queue", "q", "--probe-addr", "127.0.0.1:0", "--", kHandler},
                   environment);
    const std::string id = queue.enqueue("hello");
    const bool done = eventually([&] { return queue->job(id).state == JobState::done; },
                                 Millis{60000}, Millis{10});
    INFO(runner->output());
    CHECK(done);
    CHECK(foreign_mappings(runner->pid()) == "");
    runner->signal(SIGTERM);
    CHECK(runner->wait() == 0);
    return queue->job(id).result;
  }
  void check(const ForeignRoot& root, const std::string& preload) {
    prepare(root);
    const std::vector<std::string> environment = {
        "LD_PRELOAD=" + preload, "LD_LIBRARY_PATH=/usr/lib:/lib", "OPENSSL_CONF=/own.cnf"};
    const std::string expected =
        R"("result":{"openssl":"/own.cnf","path":"/usr/lib:/lib","payload":"hello","preload":")" +
        preload + R"("}})";
    CHECK(run_job(root, "queue.hosts.test", environment).ends_with(expected));
    CHECK(names.asked() == 0);
    CHECK(run_job(root, "queue.dns.test", environment).ends_with(expected));
    CHECK(names.asked() > 0);
  }
};

}  // namespace

TEST_CASE("in an empty root") {
  need_root();
  Ground ground;
  const ForeignRoot root;
  ground.check(root, "/nothing/is/here.so");
}

TEST_CASE("in the root of this machine's distribution") {
  need_root();
  Ground ground;
  ground.check(*debian("/usr"), library_of("/usr"));
}

TEST_CASE("in the root of Debian 13") {
  need_root();
  const char* home = std::getenv("XDG_CACHE_HOME");
  const fs::path cache =
      home != nullptr ? fs::path(home) : fs::path(std::getenv("HOME")) / ".cache";
  const std::string usr = cache / "workerpool/servers/debian-13-x86_64/root/usr";
  if (!fs::exists(usr)) skip("tests/servers/assets brings the files of Debian 13, or says why not");
  Ground ground;
  ground.check(*debian(usr), library_of(usr));
}

TEST_CASE("in the root of a musl system") {
  need_root();
  const std::string loader = "/lib/ld-musl-x86_64.so.1";
  if (!fs::exists(loader) || !fs::exists("/bin/busybox")) {
    skip("needs the packages musl and busybox-static: tools/setup test installs them");
  }
  Ground ground;
  const ForeignRoot root;
  root.copy("/bin/busybox", "/bin/sh");
  root.copy(fs::canonical(loader), loader);
  ground.check(root, loader);
}

TEST_CASE("an install without space, and one into what is read-only, say so and leave nothing") {
  need_root();
  const ForeignRoot root({{"/small", "small"}, {"/fixed", portable_folder()}});
  const auto said_by_install = [&](const std::string& target) {
    const auto install = root.start({kRunner, "install", target});
    CHECK(install->wait() == 1);
    return install->output();
  };
  CHECK(doctest::String(said_by_install("/small").c_str()) ==
        doctest::Contains("no space left: the runner's folder needs 1"));
  CHECK(doctest::String(said_by_install("/small").c_str()) == doctest::Contains("4.2 MB are free"));
  CHECK(doctest::String(said_by_install("/fixed").c_str()) ==
        doctest::Contains("/fixed/.workerpool-incoming cannot be written: Read-only file system"));
}

TEST_CASE("the roots of trust are the image's, wherever it keeps them, and else the folder's") {
  need_root();
  const Authority authority;
  const Certificate made = authority.issue("redis", "DNS:queue.hosts.test");
  Folder folder;
  write_file(folder / "server.pem", made.pem);
  write_file(folder / "server.key", made.key);
  write_file(folder / "ca.pem", authority.pem());
  const int port = free_port();
  const RedisServer redis({"tls-port " + std::to_string(port),
                           "tls-cert-file " + folder / "server.pem",
                           "tls-key-file " + folder / "server.key",
                           "tls-ca-cert-file " + folder / "ca.pem", "tls-auth-clients no"});
  const ForeignRoot root;
  root.write("/etc/hosts", "127.0.0.1 queue.hosts.test\n");
  // What the image says to its own OpenSSL: with this there would be no TLS at all.
  for (const char* file : {"/usr/lib/ssl/openssl.cnf", "/own.cnf"}) root.write(file, kNoAlgorithms);
  const auto start = [&] {
    return root.start({kRunner, "--redis", "rediss://queue.hosts.test:" + std::to_string(port),
                       "--queue", "q", "--probe-addr", "127.0.0.1:0", "--handler", "noop"},
                      {"OPENSSL_CONF=/own.cnf"});
  };
  const auto says = [](const Process& runner, const char* text) {
    const bool said = eventually([&] { return runner.output().find(text) != std::string::npos; },
                                 Millis{60000}, Millis{10});
    INFO(runner.output());
    CHECK(said);
  };
  says(*start(), "\"class\":\"Tls\"");  // the folder's own do not know this authority
  const std::string own = root.path() + "/workerpool/lib/ca-certificates.crt";
  const std::string kept = read_file(own);
  write_file(own, authority.pem());
  says(*start(), "\"msg\":\"registered\"");
  write_file(own, kept);
  root.write("/etc/ssl/cert.pem", authority.pem());
  says(*start(), "\"msg\":\"registered\"");
}
