// WorkerPool objects → pool::Pool: applies the CRD's defaults, checks what the CRD's schema and its
// CEL rules check (an older CRD may be installed, and local pool files meet no API server), and
// says everything that is wrong at once, one line each, with the field's path (rules between fields
// only when each field is right for itself).
//
// Pure; any thread. Only parse_pool and parse_pool_text throw, and only SpecError.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/pool/pool.h"

namespace wp::pool {

struct SpecProblem {
  std::string path;     // spec.scaling.maxReplicas, spec.scaling.ramp.steps[1].stableFor
  std::string what;     // "is 5, below minReplicas (10)"; never a value of a Secret
  std::string allowed;  // what to write instead; may be empty

  /// "spec.scaling.maxReplicas is 5, below minReplicas (10); allowed: …"
  std::string line() const;
  bool operator==(const SpecProblem&) const = default;
};

/// The lines, joined by "; ", cut at `limit` bytes with the number of problems left out: the
/// message of a condition.
std::string summary(const std::vector<SpecProblem>& problems, std::size_t limit = 1024);

class SpecError : public std::runtime_error {
 public:
  explicit SpecError(std::vector<SpecProblem> problems)
      : std::runtime_error(summary(problems)), problems_(std::move(problems)) {}
  const std::vector<SpecProblem>& problems() const { return problems_; }

 private:
  std::vector<SpecProblem> problems_;
};

struct ParseOptions {
  bool strict = false;  // unknown fields are problems (pool files); else ignored: a newer CRD's
  bool local = false;   // a local pool: template, queue and Redis may be absent, unix:// is allowed
  bool foreign_queue_names = false;  // type Jobs may use names outside `<namespace>/`
};

/// What decoding an object gives. `pool.meta` is always filled; `pool.spec` only makes sense when
/// `problems` is empty.
struct ParsedPool {
  Pool pool;
  std::vector<SpecProblem> problems;     // wrong: the user has to correct it
  std::vector<SpecProblem> unsupported;  // right, but not in this version (unsupported.h)
  bool usable() const { return problems.empty() && unsupported.empty(); }
};

/// For the reflector's decode: never throws.
ParsedPool read_pool(const nlohmann::json& object, const ParseOptions& options = {});

/// Throws SpecError: with every problem or, when there is none, with all that is unsupported.
Pool parse_pool(const nlohmann::json& object, const ParseOptions& options = {});

/// The same from YAML (or JSON) text: a pool file. Exactly one document.
Pool parse_pool_text(std::string_view yaml, const ParseOptions& options);

/// Metadata alone; what is missing or of a wrong type is left empty.
Metadata parse_metadata(const nlohmann::json& object);

}  // namespace wp::pool
