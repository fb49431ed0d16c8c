// A TCP port on the loopback address that nobody uses, and that stays its caller's: also while the
// server behind it is away, no other test and no connection of anybody's takes it.
#pragma once

namespace wp::test {

/// Reserved until this process ends. Throws std::runtime_error when none is found. Thread-safe.
int free_port();

}  // namespace wp::test
