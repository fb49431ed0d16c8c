// Small loads and runs for the tests of the simulator.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ctl/simulate/compare.h"
#include "ctl/simulate/engine.h"
#include "ctl/simulate/sizer.h"

namespace wp::simulate {

inline Load load_of(const std::vector<std::pair<double, double>>& jobs) {
  Load load{"test", {}};
  for (const auto& [arrival, service] : jobs) {
    load.jobs.push_back({from_seconds(arrival), from_seconds(service)});
  }
  return load;
}

/// One of loads/, without its ending.
inline Load recorded(const std::string& name) {
  const char* const source = std::getenv("WORKERPOOL_SOURCE");
  if (source == nullptr) throw std::runtime_error("WORKERPOOL_SOURCE is not set: run it by ctest");
  return read_load(std::string(source) + "/tests/ctl/simulate/loads/" + name + ".csv");
}

inline const std::vector<std::string>& recorded_names() {
  static const std::vector<std::string> names = {"steady-10s", "spike-10s", "diurnal-10s",
                                                 "onoff-10s",  "heavy-10s", "spike-60s"};
  return names;
}

inline scaling::Params params_of(scaling::Policy policy, int max = 100) {
  scaling::Params params;
  params.policy = policy;
  params.max_replicas = max;
  return params;
}

/// Says what a list says, then its last word for ever.
class Script : public Sizer {
 public:
  explicit Script(std::vector<int> sizes) : sizes_(std::move(sizes)) {}
  int size(const scaling::Snapshot& snapshot) override {
    seen.push_back(snapshot);
    const int size = sizes_[next_];
    if (next_ + 1 < sizes_.size()) ++next_;
    return size;
  }
  void grown(Millis, int by) override { created += by; }

  std::vector<scaling::Snapshot> seen;
  int created = 0;

 private:
  std::vector<int> sizes_;
  std::size_t next_ = 0;
};

/// Workers are ready at once.
inline Surroundings at_once(int concurrency = 1) {
  Surroundings around;
  around.concurrency = concurrency;
  around.start_fixed = Micros{0};
  around.start_random = Micros{0};
  around.tail = Micros{0};
  return around;
}

}  // namespace wp::simulate
