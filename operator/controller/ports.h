// What the controller needs from the world around it, as small interfaces: the same reconcile runs
// in a cluster and on a laptop. Implementations say which threads may call them; the controller
// calls from its workers, for one pool from one worker at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "operator/pool/parse.h"
#include "operator/pool/status.h"
#include "queue/redis/endpoint.h"

namespace wp::controller {

/// A pool as it is stored: what was declared, and the status last written.
struct StoredPool {
  pool::ParsedPool parsed;
  pool::Status status;  // as JSON it would take ten times the memory
};

/// Where pools are looked up; nothing when there is none of that key. No I/O.
using PoolLookup = std::function<std::shared_ptr<const StoredPool>(const std::string& key)>;

/// A pool's Redis could not be determined: a Secret is missing, a URL is wrong.
class EndpointError : public std::runtime_error {
 public:
  /// `reason` is a constant of event_reasons.h.
  EndpointError(std::string_view reason, const std::string& message)
      : std::runtime_error(message), reason_(reason) {}
  std::string_view reason() const { return reason_; }

 private:
  std::string_view reason_;
};

/// The address and the credentials of a pool's Redis. May read Secrets; throws EndpointError.
/// `refresh` asks not to trust what is cached (the server refused the password).
using EndpointLookup = std::function<redis::Endpoint(const pool::Pool& pool, bool refresh)>;

/// Writes a pool's status. Throws on failure: the reconcile is repeated.
using StatusWriter = std::function<void(const pool::Pool& pool, const pool::Status& status)>;

struct EventNote {
  bool warning = false;
  std::string_view reason;  // a constant of pool::event
  std::string_view action;
  std::string note;
};
/// Tells people. Never blocks, never throws.
using EventWriter = std::function<void(const pool::Pool& pool, const EventNote& event)>;

}  // namespace wp::controller
