#include "queue/redis/resolver.h"

#include <cstring>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <mutex>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>

#include "queue/redis/error.h"

namespace wp::redis {
namespace {

struct Answer {
  int status = 0;  // of getaddrinfo
  std::vector<SocketAddress> addresses;
};

Answer look_up(const std::string& host, const std::string& port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  Answer answer;
  answer.status = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (answer.status != 0) return answer;
  for (const addrinfo* it = found; it != nullptr; it = it->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, it->ai_addr, it->ai_addrlen);
    address.size = it->ai_addrlen;
    answer.addresses.push_back(address);
  }
  freeaddrinfo(found);
  return answer;
}

struct Lookup {
  // Written once and never read: it wakes everyone who waits, now or later.
  UniqueFd done{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Answer answer;  // to be read after `done`, with the lock of the table
};

// What is looked up at this moment, by host and port.
struct Table {
  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Lookup>> running;
};

// Never destroyed: a lookup may outlast main().
Table& table() {
  static Table& all = *new Table;
  return all;
}

void run(const std::string& host, const std::string& port, const std::shared_ptr<Lookup>& lookup) {
  Answer answer = look_up(host, port, 0);
  const std::lock_guard lock(table().mutex);
  lookup->answer = std::move(answer);
  table().running.erase({host, port});
  const std::uint64_t one = 1;
  (void)!::write(lookup->done.get(), &one, sizeof one);
}

std::shared_ptr<Lookup> join_lookup(const std::string& host, const std::string& port) {
  const std::lock_guard lock(table().mutex);
  std::shared_ptr<Lookup>& lookup = table().running[{host, port}];
  if (lookup) return lookup;
  lookup = std::make_shared<Lookup>();
  const std::shared_ptr<Lookup> ours = lookup;
  try {
    std::thread([host, port, ours] { run(host, port, ours); }).detach();
  } catch (const std::system_error& e) {
    table().running.erase({host, port});
    throw Error(ErrorClass::refused, fmt::format("no thread to look up {}: {}", host, e.what()));
  }
  return ours;
}

}  // namespace

std::vector<SocketAddress> resolve(const std::string& host, int port, const Waiter& waiter,
                                   Millis deadline) {
  const std::string service = std::to_string(port);
  Answer answer = look_up(host, service, AI_NUMERICHOST);  // asks nobody, and cannot block
  if (answer.status != 0) {
    const std::shared_ptr<Lookup> lookup = join_lookup(host, service);
    if (!waiter.wait(lookup->done.get(), POLLIN, deadline)) {
      throw Error(ErrorClass::timeout, fmt::format("the name {} was not resolved in time", host));
    }
    const std::lock_guard lock(table().mutex);
    answer = lookup->answer;
  }
  if (answer.status == 0 && !answer.addresses.empty()) return answer.addresses;
  throw Error(ErrorClass::refused,
              fmt::format("no such host ({})",
                          answer.status == 0 ? "it has no address" : gai_strerror(answer.status)));
}

}  // namespace wp::redis
