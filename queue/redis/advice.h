// What somebody can do about an error of Redis, in the words of the settings that every program has
// (settings.h). For people. Pure.
#pragma once

#include <string_view>

#include "queue/redis/error.h"

namespace wp::redis {

/// One clause, such as "is Redis running there? …"; empty where nothing general can be said.
std::string_view next_step(ErrorClass error);

}  // namespace wp::redis
