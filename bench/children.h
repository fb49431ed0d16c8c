// The children of a process, watched from outside: when each was first and last seen. Linux; one
// thread. As exact as it is called often.
#pragma once

#include <map>
#include <sys/types.h>

#include "base/clock.h"

namespace wp::bench {

class Children {
 public:
  explicit Children(pid_t parent) : parent_(parent) {}

  /// Looks now; answers how many there are.
  int look(Millis now);

  struct Life {
    Millis first{0};
    Millis last{0};
  };
  const std::map<pid_t, Life>& lives() const { return lives_; }
  int peak() const { return peak_; }

 private:
  pid_t parent_;
  std::map<pid_t, Life> lives_;
  int peak_ = 0;
};

}  // namespace wp::bench
