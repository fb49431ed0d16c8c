// Opens a stream socket to a Redis: TCP, each address of the name in turn, or a unix socket.
// Bounded and interruptible. The socket is non-blocking.
#pragma once

#include "queue/redis/endpoint.h"
#include "queue/redis/waiter.h"

namespace wp::redis {

/// Throws Error: refused, timeout after the steady `deadline`, closed when interrupted.
UniqueFd dial(const Address& address, const Waiter& waiter, Millis deadline);

}  // namespace wp::redis
