// Which server is the master of a name now, asked from the sentinels that watch it.
#pragma once

#include <cstddef>

#include "queue/redis/channel.h"

namespace wp::redis {

/// Asks the sentinels in turn, beginning with `first`, each with its share of the time; `first`
/// becomes the one that knew, so that the next search begins there. Uses `channel` and leaves it
/// closed. Throws Error, with the class of the last failure and a line about each sentinel.
Address find_master(const Sentinel& sentinel, std::size_t& first, Channel& channel,
                    Millis deadline);

}  // namespace wp::redis
