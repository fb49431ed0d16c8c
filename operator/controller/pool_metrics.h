// The gauges of one pool, from what a reconcile found out. Any thread.
#pragma once

#include "base/metrics.h"
#include "operator/controller/status_builder.h"

namespace wp::controller {

/// What is not known keeps its last value.
void publish_metrics(metrics::Registry& metrics, const Findings& findings);

}  // namespace wp::controller
