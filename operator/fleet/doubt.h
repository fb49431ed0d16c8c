// Whether marked pods that we still see may be about to be deleted, or be deleted already. Pure;
// part of a pool's Memory.
//
// A lowering takes effect when somebody else carries it out: until fewer pods are there, any marked
// one may be the next. When it is taken back before that, or a rollout begins, or others went than
// the marked, nobody knows how far it came; then the controllers have to have seen the newest
// number, and some time has to pass in which our watches show what they did.
#pragma once

#include <optional>

#include "base/clock.h"

namespace wp::fleet {

class Doubt {
 public:
  /// Deletions are carried out, and seen, in milliseconds; so long nothing is done that they could
  /// cross.
  static constexpr Millis kCarriedOut{5000};

  struct Sight {
    int replicas = 0;
    int active = 0;  // pods that neither terminate nor have finished
    int marked = 0;  // of them
    bool rollout = false;
    bool current = true;  // the controllers have seen the newest number
    bool agree = true;    // and see as many pods as we do
  };
  void look(const Sight& sight, Millis now);
  /// A lowering is being written.
  void lowering(int from) { lowered_from_ = from; }

  /// Nobody who is marked can be called back.
  bool any() const { return given_since_ || doubt_since_; }
  /// For so long marked pods exceed the number.
  std::optional<Millis> given_for(Millis now) const;
  /// When any() may change by time alone.
  std::optional<Millis> changes_in(Millis now) const;

 private:
  bool looked_ = false;
  int replicas_ = 0;  // as last seen
  std::optional<int> lowered_from_;
  bool rollout_ = false;
  std::optional<Millis> given_since_;
  bool taken_back_ = false;
  std::optional<Millis> doubt_since_;
};

}  // namespace wp::fleet
