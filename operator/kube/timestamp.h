// The two notations of time in Kubernetes objects beyond base/clock.h: reading RFC 3339, and
// writing metav1.MicroTime. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"

namespace wp::kube {

/// RFC 3339 with Z or an offset, with or without a fraction, as ms since the Unix epoch.
std::optional<Millis> parse_timestamp(const std::string& text);

/// Exactly six digits after the point, as the API server demands: 2026-11-21T01:02:03.004000Z.
std::string format_micro_time(Millis since_epoch);

}  // namespace wp::kube
