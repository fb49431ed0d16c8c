// What the handlers' work costs without a queue or a runner: bare loops of one thread, the ceilings
// of the throughput. Each answers how many a second it did. They throw std::runtime_error.
#pragma once

#include <cstdint>
#include <string>

namespace wp::bench {

/// Starts a program and reaps it, with so many running at once.
double spawn_rate(const std::string& program, std::int64_t count, int in_flight);

/// Writes a line to a Python script and reads one back.
double line_rate(const std::string& script, std::int64_t count);

}  // namespace wp::bench
