// Writes to single pods: the mark of those that go when the number shrinks (a label and a deletion
// cost, in one PATCH), and the deletion of one. Always of a pod with this uid, never of a namesake.
// Remembers what was written until the watch shows it. Blocks; any thread. Throws WorkloadError.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/kube/client.h"
#include "operator/workload/kube_objects.h"
#include "operator/workload/recent_writes.h"

namespace wp::workload {

inline const kube::Resource kPods{.group = "", .version = "v1", .plural = "pods"};

class PodMarks {
 public:
  using Pod = std::shared_ptr<const PodInfo>;

  PodMarks(kube::Client& client, const Clock& clock) : client_(client), clock_(clock) {}

  /// The newer of what was written and what the watch shows.
  Pod newest(const Pod& watched) const;

  /// Marks these pods. Answers how many writes took effect: pods that are marked already, terminate
  /// or are gone need none.
  int mark(const std::vector<Pod>& pods);
  /// Takes the marks away, and gives back the deletion cost that somebody else had set before.
  /// `state`: what the template of the pod has as its label; empty: none.
  int unmark(const std::vector<Pod>& pods, const std::function<std::string(const PodInfo&)>& state);

  /// Deletes the pod as it was seen.
  void remove(const PodInfo& pod);

 private:
  struct Write {
    Pod pod;
    nlohmann::json body;
  };
  int carry_out(const std::vector<Write>& writes);
  bool patch(const Write& write);

  kube::Client& client_;
  const Clock& clock_;
  RecentWrites<PodInfo> written_;
};

}  // namespace wp::workload
