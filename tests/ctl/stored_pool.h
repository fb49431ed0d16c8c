// A pool as an API server would answer it, its status built by the operator's own code from made-up
// findings.
#pragma once

#include "ctl/pools/source.h"
#include "operator/pool/status.h"
#include "tests/operator/controller/findings.h"

namespace wp::test {

inline constexpr Millis kDecided{1'795'243'200'000};
inline constexpr Millis kNow = kDecided + Millis{12'000};

inline ctl::ShownPool stored(const Found& found, const std::string& spec_patch) {
  pool::Status status = controller::build_status(found.f);
  pool::carry_over({}, kDecided, status);
  ctl::ShownPool shown;
  shown.object = pool::object_with(R"({"workers": {"concurrency": 4}})");
  shown.object["spec"].merge_patch(nlohmann::json::parse(spec_patch));
  shown.object["metadata"]["generation"] = 3;
  shown.object["status"] = to_json(status);
  shown.source = "kubeconfig /home/ann/.kube/config, context prod";
  return shown;
}

inline void had_jobs(Found& found) {
  found.f.jobs = pool::JobsStatus{5120, 12, 310, 99, 800, 2048};
  found.f.measured = pool::MeasuredStatus{800, 5200};
}

}  // namespace wp::test
