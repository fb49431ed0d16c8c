// Names to addresses without the caller being stuck in getaddrinfo(), which knows no deadline.
//
// A lookup runs on a thread of its own, which owns all that it touches: who gives up waiting just
// leaves. Callers that ask for a name while it is looked up share that lookup, so a name server
// that hangs holds one thread per name, however often it is asked. Any thread.
#pragma once

#include <string>
#include <sys/socket.h>
#include <vector>

#include "queue/redis/waiter.h"

namespace wp::redis {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// At least one address, in the system's order. Throws Error: refused when there is none, timeout
/// after the steady `deadline`, closed when interrupted.
std::vector<SocketAddress> resolve(const std::string& host, int port, const Waiter& waiter,
                                   Millis deadline);

}  // namespace wp::redis
