// What people are told of a pool by events: transitions, each once, and never because a reconcile
// ran again. One pool; one thread at a time. What was told already is kept in memory; after a
// restart a trouble that still holds may be told once more.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/backlog/backlog.h"
#include "operator/controller/ports.h"
#include "operator/controller/status_builder.h"
#include "operator/fleet/recovery.h"
#include "operator/fleet/retirement.h"
#include "operator/scaling/ramp.h"

namespace wp::controller {

class Announcer {
 public:
  using Tell = std::function<void(EventNote)>;

  /// Compares with what was told before. Call it once per reconcile, when all is found out.
  void transitions(const Findings& findings, const Tell& tell);

  static void scaled(int before, int after, const std::string& reason, const Tell& tell);
  static void ramp(const scaling::RampOutcome& outcome, const Tell& tell);
  static void retired(const std::vector<fleet::Note>& notes, const Tell& tell);
  static void lost(const std::vector<fleet::Incident>& incidents, const Tell& tell);
  static void reclaimed(const std::vector<backlog::Reclaimed>& reclaimed, const Tell& tell);

 private:
  /// Told when `so` begins, and `over` (may be empty: nothing) when it ends.
  void edge(std::string_view what, bool so, const Tell& tell, EventNote begins,
            std::optional<EventNote> over = std::nullopt);

  std::map<std::string_view, bool> holds_;
  std::string obstacle_;
  std::optional<std::int64_t> interrupted_;  // the queue's counter, when last looked at
};

}  // namespace wp::controller
