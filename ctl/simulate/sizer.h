// Who says how many workers there should be. The simulator asks once per snapshot, with the very
// input that the operator's decision has. One object per run: it remembers.
#pragma once

#include <memory>
#include <string>

#include "operator/scaling/params.h"
#include "operator/scaling/snapshot.h"

namespace wp::simulate {

class Sizer {
 public:
  virtual ~Sizer() = default;
  /// Workers that should serve.
  virtual int size(const scaling::Snapshot& snapshot) = 0;
  /// So many new ones were asked for.
  virtual void grown(Millis now, int by) = 0;
};

/// scaling::decide() itself.
std::unique_ptr<Sizer> operator_sizer(const scaling::Params& params);

/// An autoscaler of the kind that knows the queue's length and the clock only: desired = (waiting +
/// running) / slots, looked at every 15 s with a tolerance of 10 %, at most doubled or 4 more each
/// time, down to the highest of the last 300 s; between none and one every 30 s, to none after 300
/// s without a job. What an HPA with KEDA does with a query that counts running jobs.
std::unique_ptr<Sizer> hpa_like_sizer(const scaling::Params& params);

}  // namespace wp::simulate
