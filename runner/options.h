// The settings of workerpool-runner: where they come from and what is allowed. Used by main() only,
// before any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/options.h"
#include "queue/redis/endpoint.h"
#include "runner/handlers/outcome.h"
#include "runner/job_settings.h"

namespace wp::runner {

struct RunnerOptions {
  std::string queue;
  std::int64_t concurrency = 1;
  std::string handler;               // exec, stdio, http or a built-in
  std::vector<std::string> command;  // exec, stdio: the program and its words
  std::string program;               // exec, stdio: where it was found; empty: nowhere by now
  ExitRules exit_rules;              // exec
  bool stdio_ready = false;          // its processes say when they are ready
  Millis stdio_startup_timeout{60000};
  std::string http_url;                 // http: where jobs are posted, on loopback
  std::string http_ready_path;          // empty: ready when the port accepts
  std::string probe_address = ":9808";  // empty: no probes
  std::string worker_id;
  std::string pod_name;
  std::string pod_uid;
  std::string node;
  OwnSettings own;
  std::string scratch_dir;
  std::string log_level = "info";
  redis::Endpoint endpoint;

  std::vector<ResolvedSetting> resolved;  // for the start-up log
};

/// Fills the options. Absent when help or the version was printed. Throws UsageError.
std::optional<RunnerOptions> parse_options(int argc, const char* const* argv);

/// A JSON array of at least one text, as the operator writes it. Throws UsageError.
std::vector<std::string> parse_command(const std::string& json);

}  // namespace wp::runner
