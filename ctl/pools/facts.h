// What `pools explain` reads a pool as: the object parsed, with defaults, beside its status; and
// how its times are shown. Pure.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "ctl/pools/source.h"
#include "operator/pool/parse.h"
#include "operator/pool/status.h"

namespace wp::ctl {

struct PoolFacts {
  const ShownPool& shown;
  Millis now{0};  // wall
  pool::ParsedPool parsed;
  nlohmann::json spec;  // with every default
  pool::Status status;

  const pool::PoolSpec& declared() const { return parsed.pool.spec; }

  /// "12s", since an RFC 3339 time; empty when there is none.
  std::string since(const std::string& time) const;
  std::optional<Millis> age(const std::string& time) const;

  /// The value of a field below spec, "scaling.maxReplicas", when it is a number, a text or a
  /// switch; else empty.
  std::string value_of(std::string_view field) const;
};

PoolFacts facts_of(const ShownPool& shown, Millis now);

/// The numbers that the decision's formula works with, line by line; and the same as a document.
std::vector<std::string> input_lines(const PoolFacts& facts);
nlohmann::ordered_json input_document(const PoolFacts& facts);

/// The ramp's step and when the next begins; empty without a ramp.
std::vector<std::string> ramp_lines(const PoolFacts& facts);
nlohmann::ordered_json ramp_document(const PoolFacts& facts);

std::vector<std::string> schedule_lines(const PoolFacts& facts);
nlohmann::ordered_json schedule_document(const PoolFacts& facts);

}  // namespace wp::ctl
