// jobs.schema: what a pool says of its jobs' payloads, a subset of JSON Schema. Checked by the
// producers that we ship and by the runner before the handler; the operator refuses a pool whose
// schema is none. Immutable and pure: any thread.
//
// Keywords: type, enum, required, properties, additionalProperties (true or false), items (one
// schema for all), minimum, maximum, minLength, maxLength (in characters), minItems, maxItems,
// pattern (schema/pattern.h). Each means what it does there: one that is about numbers says nothing
// of texts, 2.0 is an integer. title, description, default, examples, $schema and $id are taken and
// mean nothing. Any other keyword is refused: one that is silently ignored is a promise broken.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace wp {

/// What is wrong with a schema: "/properties/width/multipleOf is not supported; allowed: …".
class SchemaError : public std::invalid_argument {
 public:
  SchemaError(const std::string& place, const std::string& problem, const std::string& allowed);
  const std::string& place() const { return place_; }      // JSON pointer; empty: the whole
  const std::string& problem() const { return problem_; }  // "is not supported"
  const std::string& allowed() const { return allowed_; }  // what to write instead; may be empty

 private:
  std::string place_, problem_, allowed_;
};

class Schema {
 public:
  static constexpr std::size_t kMaxBytes = 64 * 1024;
  static constexpr int kMaxDepth = 64;  // of the schema's own JSON
  static constexpr std::size_t kMaxPayloadBytes = 1024 * 1024;
  static constexpr int kMaxPayloadDepth = 128;
  // What one check may cost at most: well below a second. Only patterns and enums come to so much.
  static constexpr std::int64_t kMaxSteps = 20'000'000;

  /// Lets everything pass.
  Schema() = default;
  /// "" and {} are the empty schema. Throws SchemaError.
  static Schema parse(std::string_view json);

  bool empty() const { return root_ == nullptr; }

  /// One line of printable text: a JSON pointer ("payload" for the whole), what is there, and what
  /// is allowed: "/width: 12.5 is not allowed: an integer". Empty when the payload is fine. Where
  /// the schema is not empty, what is no JSON (RFC 8259, no BOM, no member twice) is not fine.
  std::string problem_with(std::string_view payload) const;

 private:
  struct Node;
  friend class SchemaParser;
  friend class SchemaCheck;
  std::shared_ptr<const Node> root_;
};

}  // namespace wp
