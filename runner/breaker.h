// Tells a broken handler from a bad job: a wrong deploy must not bury a backlog, and one bad job
// must not hold up a pool.
//
// Broken: the handler could not run a job, or answered as one does that is not there. Then claims
// pause for 1, 2, 4 … 30 s, and after each pause one job finds out whether the handler works again.
// A job that was answered so for a second time, though others ran in between, is bad itself; while
// nobody knows, it is set aside so that another may find out. Pure; time is an argument.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/backoff.h"
#include "base/clock.h"

namespace wp::runner {

class Breaker {
 public:
  Breaker();

  bool broken() const { return broken_; }
  /// How many of `free` slots may be filled.
  int allowed(int free, Millis now) const;
  /// When allowed() or judge() say something else by time alone.
  std::optional<Millis> wake_at() const;

  // Facts.
  void started(std::int64_t epoch, Millis now);
  /// The handler ended that job, however: it runs.
  void ran(const std::string& id);
  /// The job ended without telling anything of its handler.
  void forgot(std::int64_t epoch);
  /// Whether the job that finds out has run for so long that the handler is not broken.
  bool judge(Millis now);

  /// What becomes of a job whose handler is broken.
  enum class Fate {
    back,   // to its old place, uncounted
    aside,  // later, uncounted
    fail,   // it is the job's own failure
  };
  /// `answered`: the handler ran and said so. `others_wait`: there are jobs that could find out.
  Fate broke(const std::string& id, bool answered, bool others_wait, Millis now,
             std::uint64_t chance);

 private:
  void close();

  bool broken_ = false;
  Millis until_{0};
  std::optional<std::int64_t> trial_;  // the job that finds out
  Millis trial_started_{0};
  Backoff pause_;
  std::int64_t runs_ = 0;                      // jobs that the handler ended
  std::map<std::string, std::int64_t> tried_;  // answered so once; and `runs_` then
};

}  // namespace wp::runner
