// Where a program is to be struck, and by which signals: the test's side of fault_shim.cpp. Shots
// fall one after the other: the second is looked for once the first has fallen. Pure data, but for
// the files beside the marker.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace wp::test {

struct Shot {
  /// send, recv, write, waitid (that found an end), spawn, or reply: the next bytes received on the
  /// connection of the shot before.
  std::string call;
  /// before, half (of the bytes are out) or after. recv, reply and waitid know only after.
  std::string place = "after";
  std::vector<std::string> words = {};  // at most four; all are in the bytes that are moved
  int nth = 1;                          // match
  std::vector<int> signals = {};        // in this order; none: the point is only noted
  bool hold = false;                    // the calling thread, until let_go()
};

class FaultPlan {
 public:
  /// `marker`: a file of the test's own folder that is not there yet.
  FaultPlan(std::vector<Shot> shots, std::string marker)
      : shots_(std::move(shots)), marker_(std::move(marker)) {}

  /// What the struck program's environment needs; what it starts does not inherit it. A sanitizer's
  /// runtime, when this build has one, is preloaded first: it insists, and it calls on.
  std::map<std::string, std::string> environment() const;

  /// Shots that have fallen. Those with SIGTERM or SIGINT count once the program has taken the
  /// signals in. Throws std::runtime_error when it did not.
  int hits() const;
  int shots() const { return static_cast<int>(shots_.size()); }
  /// Lets the thread go on that the shot of that place (from 0) holds.
  void let_go(int shot) const;

 private:
  std::vector<Shot> shots_;
  std::string marker_;
};

}  // namespace wp::test
