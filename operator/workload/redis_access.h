// What a worker's container needs to get to its queue's Redis: variables, and passwords and TLS
// material as files of one projected volume, which the kubelet renews when a Secret changes: the
// runner reads them at every connect. Nothing secret becomes text in the pod's spec. Pure; any
// thread.
#pragma once

#include <nlohmann/json.hpp>

#include "operator/pool/pool.h"

namespace wp::workload {

/// Where the volume of this name is mounted.
inline constexpr const char* kRedisVolume = "workerpool-redis";
inline constexpr const char* kRedisFolder = "/workerpool-redis";

/// WP_REDIS_*, by value or from Secrets.
nlohmann::json redis_variables(const pool::Redis& redis);

/// The volume; null when there is nothing to put into it.
nlohmann::json redis_volume(const pool::Redis& redis);

}  // namespace wp::workload
