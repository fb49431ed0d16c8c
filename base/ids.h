// Names that must not collide: job ids, and the random part of a worker's name.
// Safe from any thread.
#pragma once

#include <cstdint>
#include <string>

namespace wp {

/// 13 characters of 0-9A-Za-z: 7 of time (ms), 6 of chance. Ids of one process sort by their
/// making and never repeat: within a millisecond the second part counts on from its random start.
std::string make_job_id();

/// `digits` lower-case hex digits from the kernel's random source.
std::string random_hex(int digits);

/// A random version 4 UUID.
std::string random_uuid();

/// 64 random bits from the kernel's random source.
std::uint64_t random_u64();

}  // namespace wp
