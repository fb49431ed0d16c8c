// What can go wrong between this program and the Kubernetes API, as one type. An answer that is an
// error carries the HTTP code and the parts of its `Status` body; when there was no answer at all
// the code is 0 and `transport()` says why, so that a caller needs one catch and one switch.
// Immutable; safe to copy between threads.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace wp::kube {

/// Why there was no usable answer. A write that ended in anything but `connect`, `tls` or `token`
/// may have taken effect: read again before it is repeated.
enum class Transport {
  none,       // there was an answer
  connect,    // no connection: refused, unreachable, name unknown
  tls,        // the handshake failed or the server's certificate is not the expected one
  timeout,    // the time for the request is over
  broken,     // the connection ended before the answer was complete
  too_large,  // the answer exceeds the bound
  protocol,   // the answer is not HTTP or not JSON
  token,      // no credentials could be had (a plugin failed, a file is empty)
  stopped,    // stop() was called in this process
  barred,     // not sent: this process may not write (ClientOptions::may_write)
};

/// Lower-case word for logs and metric labels, for example "timeout".
std::string_view to_string(Transport transport);

class KubeError : public std::runtime_error {
 public:
  struct Cause {
    std::string reason = {};  // for example FieldManagerConflict, ResourceVersionTooLarge
    std::string field = {};
    std::string message = {};
  };
  struct Status {
    int code = 0;
    std::string reason = {};   // for example NotFound; may be empty
    std::string message = {};  // the server's own words
    std::vector<Cause> causes = {};
    std::optional<Millis> retry_after = {};
  };

  explicit KubeError(Status status);
  KubeError(Transport transport, const std::string& message);

  int code() const { return status_.code; }
  const std::string& reason() const { return status_.reason; }
  const std::string& message() const { return status_.message; }
  const std::vector<Cause>& causes() const { return status_.causes; }
  /// How long the server asks to wait, if it does.
  std::optional<Millis> retry_after() const { return status_.retry_after; }
  Transport transport() const { return transport_; }

  bool has_cause(std::string_view reason) const;

  bool is_not_found() const { return code() == 404; }
  /// The object changed in between, or another field manager owns what was applied.
  bool is_conflict() const { return code() == 409 && reason() != "AlreadyExists"; }
  /// A conflict of server-side apply: the causes name the fields and, in their messages, the owner.
  bool is_field_manager_conflict() const { return has_cause("FieldManagerConflict"); }
  bool is_already_exists() const { return code() == 409 && reason() == "AlreadyExists"; }
  /// The resourceVersion or the continue token is too old: list again.
  bool is_expired() const;
  /// The server is behind the resourceVersion that was asked for: list again.
  bool is_version_too_large() const;
  /// The object cannot be accepted as it is; a repetition would not help.
  bool is_invalid() const;
  bool is_forbidden() const { return code() == 403; }
  bool is_unauthorized() const { return code() == 401; }
  /// Nothing may be created any more because the namespace goes away.
  bool is_namespace_terminating() const { return has_cause("NamespaceTerminating"); }

  /// The same request may succeed later without any change: no answer, 429, or a server's fault.
  bool retryable() const;

  /// One word of low cardinality, for metrics, readiness and status: the reason when there is one
  /// ("NotFound", "Conflict"), else "Http503", else the transport's class ("Timeout", "Tls").
  std::string error_class() const;

 private:
  Status status_;
  Transport transport_ = Transport::none;
};

}  // namespace wp::kube
