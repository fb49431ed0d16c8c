// Scale-in that never interrupts a job: the steps from "so many should serve" to writes, decided
// anew from what is true now. Pure: no clock, no I/O.
//
//   retire in the queue → (holds nothing) → mark the pod → (the one who picks has seen the marks)
//   → lower the number by exactly those → they end.
//
// Invariants (docs: operator.md, Scale-in):
//   - the number is lowered only by workers each of which is retired, holds nothing, and carries a
//     mark that the picker has seen; never while a rollout is under way;
//   - whoever the picker could take in place of a marked one (a pod that is not ready) is retired
//     and holds nothing, too;
//   - marks and un-marks are never on their way together;
//   - nobody whom a lowering already asked for can be called back: while pods exceed the number, no
//     marked one is un-retired or un-marked;
//   - demand that returns calls the retiring back before anything new is started.
// What is kept in Memory may be lost at any time: the truth is in the queue and on the pods.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/fleet/doubt.h"
#include "operator/fleet/fleet.h"
#include "operator/fleet/standing.h"

namespace wp::fleet {

struct Situation {
  Millis now{0};  // steady time
  /// As new as our own writes: when the answer to one was lost it is not `known`.
  const workload::View* view = nullptr;
  const Fleet* fleet = nullptr;
  /// The queue was read lately and without an error. Without it nothing is retired, called back or
  /// lowered; only more may be asked for.
  bool fresh = false;
  Millis reading_age{0};        // of the counts behind `fleet`
  bool orders_pending = false;  // orders were given that the counts do not show yet
  int desired = 0;              // workers that should serve
  bool may_shrink = true;       // false: paused, or a fallback. The retiring are called back
  /// The most workers that may ever be asked for, those on the way out included; `surge` apart.
  std::optional<int> limit;
  /// Workers that executed so many jobs are replaced; 0: never.
  std::int64_t max_jobs = 0;
  /// So many more than `desired` may be there while worn workers, or those that a person retired,
  /// are replaced.
  int surge = 1;
};

struct Note {
  enum class Kind { worker_retired, scale_in_aborted, scale_in_blocked };
  Kind kind;
  std::string text;
};

/// Do all of it, in this order.
struct Plan {
  std::vector<std::string> unretire;  // pods, by uid: orders to the queue
  std::vector<std::string> retire;    // new ones, and those whose order is to be renewed
  std::vector<std::string> unmark;
  std::vector<std::string> mark;
  std::optional<int> replicas;       // one write, conditional on what the view shows
  std::vector<std::string> victims;  // of that write, when it lowers
  std::optional<Millis> recheck;     // plan again after this time though nothing changes
  std::vector<Note> notes;
};

/// Per pool; losing it delays a step, and does no harm.
struct Memory {
  Standing standing;
  Doubt doubt;
  std::optional<Millis> marking_since;    // marks that are not confirmed
  bool aborted = false;                   // they were not in time: until none is left
  int aborts = 0;                         // in a row
  std::optional<Millis> not_before;       // no new retirement until then: the last one was aborted
  std::optional<Millis> unsettled_since;  // the picker counts other marks than there are
  std::optional<Millis> places_since;     // so many places have no pod
  int places = 0;

  // Of the last plan:
  int surge = 0;
  std::optional<std::set<std::string>> leaving;  // by uid; what the counts say is behind
  std::string told_blocked;
  bool told_rollout = false;
};

Plan plan(Memory& memory, const Situation& situation);

/// The size that a policy starts from: the workers asked for, without those who leave and those who
/// are there only until a worn one has gone.
int size_of(const Memory& memory, const workload::View& view, const Fleet& fleet);

}  // namespace wp::fleet
