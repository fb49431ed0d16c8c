// What `workerpoolctl simulate` was asked for, word by word. What the words come to: plan.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace wp::simulate {

struct Request {
  // The load.
  std::string file;         // recorded; empty: generated
  bool from_queue = false;  // what the queue still knows
  std::string save;         // a file that gets the load
  std::string shape = "steady";
  std::string rate;   // "2", "30/m"; empty: usual_rate()
  std::string sigma;  // empty: usual_sigma()
  Millis service{10000};
  Millis duration{3600000};
  std::int64_t seed = 1;

  // The policies.
  std::vector<std::string> policies;
  std::string pool_file;
  std::int64_t min = 0;
  std::int64_t max = 100;
  std::int64_t concurrency = 1;
  Millis window{0};  // 0: measured
  std::int64_t spare = 0;
  Millis scale_to_zero_after{60000};
  std::int64_t up_workers = 20;
  Millis target_wait{2000};
  std::string headroom = "Normal";
  Millis expected_duration{10000};
  std::int64_t up_at = 200;
  std::int64_t down_at = 50;
  std::int64_t step = 0;
  std::int64_t target_depth = 0;
  Millis cooldown{60000};
  std::int64_t jobs_per_worker = 10;
  Millis hpa_grace{0};  // 0: they drain

  // The surroundings.
  Millis snapshot{1000};
  Millis start_fixed{2000};
  Millis start_random{3000};
  std::int64_t runs = 1;

  std::string plot;  // a file, or - for the terminal
};

void declare(Options& verb, Request& request);

}  // namespace wp::simulate
