// A load: which job came when and how long it runs, whatever the number of workers. Recorded (a CSV
// of `arrival_s,service_s`) or generated from a seed. Pure but for the reading of a file; throws
// UsageError with the line and what is allowed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wp::simulate {

using Micros = std::chrono::microseconds;

inline double to_seconds(Micros time) {
  return static_cast<double>(time.count()) / 1e6;
}
inline Micros from_seconds(double seconds) {
  return Micros{static_cast<std::int64_t>(seconds * 1e6 + 0.5)};
}

struct Job {
  Micros arrival{0};
  Micros service{0};
  bool operator==(const Job&) const = default;
};

struct Load {
  std::string name;       // "steady", or the file
  std::vector<Job> jobs;  // by arrival, never empty

  Micros last_arrival() const { return jobs.back().arrival; }
  Micros total_service() const;
};

/// `shown` stands for the file in messages. The header, blank lines and lines that begin with # may
/// be absent or present; lines need not be in order.
Load parse_load(std::string_view csv, const std::string& shown);

/// The same load as text, with its header; to the microsecond.
std::string to_csv(const Load& load);

/// "-" is standard input.
Load read_load(const std::string& file);

}  // namespace wp::simulate
