// What one user asked of an API server, by the server's own audit log: when each request came in
// and when its answer was complete, to the microsecond, without anything in between. The answer's
// last bytes leave some tens of microseconds after the time that is logged.
//
// Owned by one thread. Reading throws std::runtime_error when the log is no such log.
#pragma once

#include <cstddef>
#include <deque>
#include <fstream>
#include <functional>
#include <string>

#include "base/clock.h"

namespace wp::bench {

/// Seconds since the Unix epoch, as the log and everything else here counts.
double wall_seconds();

struct AuditedRequest {
  std::string verb;      // get, list, watch, create, update, patch, delete
  std::string resource;  // deployments/scale
  std::string ns;        // empty: none
  std::string name;      // empty: none, or the server's choice
  std::string agent;     // the User-Agent
  int code = 0;          // of the answer
  double received = 0;
  double completed = 0;  // of a watch: when it began
};

class AuditLog {
 public:
  explicit AuditLog(std::string file) : file_(std::move(file)) {}

  /// The log's name, and its lines up to now. A policy for kube-apiserver's --audit-policy-file:
  /// this user's requests and nobody else's.
  static std::string policy(const std::string& user);

  /// All requests that were read, oldest answer first; what they are does not move.
  const std::deque<AuditedRequest>& requests();

  using Match = std::function<bool(const AuditedRequest&)>;
  /// The first at or behind `from` that matches; nullptr when none comes in time.
  const AuditedRequest* wait_for(std::size_t from, const Match& match, Millis deadline);
  /// Waits until nothing but what is `ignored` was answered for so long.
  bool wait_quiet(Millis gap, Millis deadline, const Match& ignored = is_renewal);
  static bool is_renewal(const AuditedRequest& request) { return request.resource == "leases"; }

 private:
  std::string file_;
  std::ifstream in_;
  std::string partial_;  // a line whose end is not there yet
  std::deque<AuditedRequest> requests_;
};

}  // namespace wp::bench
