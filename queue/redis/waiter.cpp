#include "queue/redis/waiter.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <poll.h>
#include <sys/eventfd.h>

namespace wp::redis {

Waiter::Waiter() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

bool Waiter::wait(int fd, short events, Millis deadline) const {
  pollfd fds[] = {{fd, events, 0}, {event_.get(), POLLIN, 0}};
  for (;;) {
    const std::int64_t left = (deadline - system_clock().steady()).count();
    const std::int64_t most = std::numeric_limits<int>::max();
    const int n = poll(fds, 2, static_cast<int>(std::clamp<std::int64_t>(left, 0, most)));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    if (fds[1].revents != 0) throw Interrupted();
    return true;
  }
}

void Waiter::interrupt() {
  const std::uint64_t one = 1;
  (void)!::write(event_.get(), &one, sizeof one);
}

void Waiter::clear() {
  std::uint64_t count = 0;
  (void)!::read(event_.get(), &count, sizeof count);
}

}  // namespace wp::redis
