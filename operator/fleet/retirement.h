// Scale-in that never interrupts a job: the steps from "so many should serve" to writes, decided
// anew from what is true now. Pure: no clock, no I/O.
//
//   retire in the queue → (holds nothing) → mark the pod → (the one who picks has seen the marks)
//   → lower the number by exactly those → they end.
//
// Invariants (docs: operator.md, Scale-in):
//   - the number is lowered only by workers each of which is retired, holds nothing, and carries a
//     mark that the picker has seen; never while a rollout is under way;
//   - marks and un-marks are never on their way together;
//   - nobody whom a lowering already asked for can be called back: while pods exceed the number, no
//     marked one is un-retired or un-marked;
//   - demand that returns calls the retiring back before anything new is started.
// What is kept in Memory may be lost at any time: the truth is in the queue and on the pods.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/fleet/fleet.h"

namespace wp::fleet {

struct Situation {
  Millis now{0};  // steady time
  const workload::View* view = nullptr;
  const Fleet* fleet = nullptr;
  /// The queue was read lately and without an error. Without it nothing is retired, called back or
  /// lowered; only more may be asked for.
  bool fresh = false;
  Millis reading_age{0};        // of the counts behind `fleet`
  bool orders_pending = false;  // orders were given that the counts do not show yet
  int desired = 0;              // workers that should serve
  bool may_shrink = true;       // false: paused, or a fallback
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
  std::optional<Millis> marking_since;  // marks that are not confirmed
  std::optional<Millis> not_before;     // no new retirement until then: the last one was aborted
  std::optional<Millis> raised_at;      // more were asked for
};

Plan plan(Memory& memory, const Situation& situation);

}  // namespace wp::fleet
