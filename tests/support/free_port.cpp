#include "tests/support/free_port.h"

#include <arpa/inet.h>
#include <mutex>
#include <netinet/in.h>
#include <random>
#include <stdexcept>
#include <sys/socket.h>
#include <vector>

#include "base/unique_fd.h"

namespace wp::test {
namespace {

// Below the range from which the kernel gives out ports by itself: it would give a port of a server
// that is being restarted to the next connection, even to one that looks for that server, which
// then is connected with itself. Above are those of tests/cluster/up.
constexpr int kFirst = 10000;
constexpr int kLast = 19999;
constexpr int kTries = 1000;

UniqueFd bound(in_addr_t address, int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(address);
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) fd.reset();
  return fd;
}

}  // namespace

int free_port() {
  static std::mutex mutex;
  static std::mt19937 random(std::random_device{}());
  // A socket at 127.0.0.2 tells all other tests that the port is taken; servers are at 127.0.0.1.
  static std::vector<UniqueFd>& reserved = *new std::vector<UniqueFd>;
  const std::lock_guard lock(mutex);
  for (int i = 0; i < kTries; ++i) {
    const int port = std::uniform_int_distribution<int>(kFirst, kLast)(random);
    UniqueFd reservation = bound(INADDR_LOOPBACK + 1, port);
    if (!reservation || !bound(INADDR_LOOPBACK, port)) continue;
    reserved.push_back(std::move(reservation));
    return port;
  }
  throw std::runtime_error("no free port");
}

}  // namespace wp::test
