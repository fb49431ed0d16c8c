// What a Lease says and what one of its candidates does next, without a clock and without a
// connection: the caller brings the document and the steady time. A record's age is counted from
// when *we* saw it change; its own times were written by another machine's clock and are never
// compared with ours. Owned by one LeaderElector; used by its thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace wp::kube {

class LeaseRecord {
 public:
  LeaseRecord(std::string identity, std::string term_annotation, Millis duration);

  /// The server's present document; null when there is none.
  void observe(nlohmann::json lease, Millis steady);
  void forget() { lease_ = nullptr; }

  enum class Verdict {
    create,  // there is no Lease
    take,    // nobody holds it, or its holder fell silent for the time that it promised
    renew,   // it is ours
    wait,    // another one holds it
  };
  Verdict verdict(Millis steady) const;

  /// The document to create or to put for a verdict other than `wait`: everything that was read is
  /// kept, resourceVersion included. A take writes a new term.
  nlohmann::json claim(Verdict verdict, const std::string& ns, const std::string& name,
                       Millis wall) const;
  /// The document that gives it up; nothing when it is not ours.
  std::optional<nlohmann::json> release(Millis wall) const;

  std::string holder() const;
  /// Of the observed document; 0 when it names none.
  std::int64_t term() const;

 private:
  const std::string identity_;
  const std::string term_annotation_;
  const Millis duration_;
  nlohmann::json lease_;  // null: none
  std::string observed_;  // its spec as text: a change is a sign of life
  Millis observed_at_{0};
};

}  // namespace wp::kube
