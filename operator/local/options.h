// The settings of `workerpool-operator local`. Registered and read by main(), before any thread.
#pragma once

#include <string>

#include "base/options.h"
#include "queue/redis/settings.h"

namespace wp::local {

struct LocalOptions {
  std::string file;       // the pool; "-" is standard input
  redis::Settings redis;  // without a URL: the pool's own, else a private server
  bool until_empty = false;
  std::string results;       // one JSON line per finished job goes here; empty: none
  std::string report;        // the report as JSON goes here; empty: none
  std::string metrics_addr;  // empty: none
  std::string probe_addr;    // empty: none
  std::string state_dir;     // empty: below runtime_folder()
  std::string runner;        // empty: beside this program, else in PATH
  bool verbose = false;      // workers' logs come to stderr
  std::string log_level = "warn";
};

/// Adds the sub-command `local` to the program.
void add_local_command(Options& root, LocalOptions& options);

}  // namespace wp::local
