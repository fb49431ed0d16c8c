// In which order workers leave, and who could be taken in place of a marked one. Pure.
//
// A ReplicaSet's controller picks by: no node, pending, not ready, deletion cost, … (Kubernetes,
// controller_utils.go, ActivePodsWithRanks). A mark is a deletion cost: it decides only among pods
// that are equally far. So a pod that is not ready goes before every marked one that is.
#pragma once

#include <cstdint>
#include <vector>

#include "operator/fleet/fleet.h"

namespace wp::fleet {

/// The deletion cost that comes with a mark: one above the lowest that Kubernetes knows.
inline constexpr int kMarkCost = -2147483647;

/// Whether it may go before a marked pod that is ready.
bool exposed(const Member& member);

/// Whether a worker that is replaced as a whole has executed as many jobs as it is meant to
/// (`max_jobs`; 0: no limit).
bool worn(const Member& member, std::int64_t max_jobs);

/// Those first that should leave first: who is leaving already (marked, then retired by us; called
/// back in the opposite order, and then idle and sound ones first, because they serve at once),
/// then those who run nothing, the worn and the broken, the idle, newest first, the least busy.
void sort_by_departure(std::vector<const Member*>& members, std::int64_t max_jobs);

}  // namespace wp::fleet
