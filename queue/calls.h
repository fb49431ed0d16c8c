// What the implementations of Queue's operations share: building a call, reading its reply.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/queue.h"
#include "queue/redis/reply.h"
#include "queue/redis/script.h"

namespace wp::queue {

/// A call of `script` with the queue's keys, and no arguments yet.
redis::ScriptCall make_call(const redis::Script& script, std::string_view queue);

std::optional<Millis> optional_time(const redis::Reply& reply);  // negative: none
std::vector<std::string> texts(const redis::Reply& reply);
Config parse_config(const redis::Reply& hash);

}  // namespace wp::queue
