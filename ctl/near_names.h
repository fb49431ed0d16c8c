// Which queues a mistyped name may have meant: those found in Redis, nearest first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ctl/exit.h"
#include "queue/queue.h"
#include "queue/redis/connection.h"

namespace wp::ctl {

/// At most `most` of `names`, those nearest to `wanted` first: the same letters, a part of the
/// other, few edits. Others are left away unless nothing is near: then the first in order. Pure.
std::vector<std::string> nearest(std::vector<std::string> names, std::string_view wanted,
                                 std::size_t most);

struct FoundQueues {
  std::vector<std::string> names;  // in order, each once
  bool all = true;                 // the whole database was looked at
};

/// The queues that have a configuration in this database, by a SCAN of bounded length (a second,
/// 2000 names). Throws redis::Error.
FoundQueues find_queues(redis::Connection& connection);

/// The error for a queue that has no configuration: exit 4, with near names. Looks for them by a
/// SCAN of bounded length; whatever goes wrong there only leaves the names away.
CommandError unknown_queue(redis::Connection& connection, const std::string& queue);

/// Nothing in Redis bears this name: no configuration, no worker, no job.
bool is_unknown(const queue::Counts& counts);

}  // namespace wp::ctl
