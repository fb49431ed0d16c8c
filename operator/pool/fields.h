// The fields of `spec`, one row each: kind, default, bounds. The parser walks objects by this table
// (normalize.h), and a test holds it against the schema in crds/: the two can't drift apart.
//
// Paths are dotted, items of a list carry "[]": spec.scaling.schedules[].name. Rules between fields
// are not here but in rules.cpp. Immutable data; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace wp::pool {

enum class Kind {
  object,
  list,
  text,     // min..max bytes, `form` is a regular expression
  integer,  // min..max
  boolean,
  duration,        // text such as "1h30m"; min..max in ms
  bytes,           // text such as "64Ki"; min..max in bytes
  cpu,             // text such as "500m" or "1.5"
  choice,          // one of the words of `form`, separated by '|'
  int_or_percent,  // 3 or "25%"
  free,            // an object that is passed on as it is
};

enum Flag : unsigned {
  kRequired = 1,
  kTuning =
      2,       // the default is the operator's alone: in the schema it would be frozen into objects
  kBlank = 4,  // "" is allowed and stands for the default
  kQuiet = 8,  // may hold a credential by mistake: its value is never repeated
};

struct Field {
  std::string_view path;
  Kind kind;
  const char* preset = nullptr;  // the default: plain text for scalars, JSON for objects and lists
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::string_view form = {};
  std::string_view allowed = {};  // `form` of a text in words
  unsigned flags = 0;

  bool has(Flag flag) const { return (flags & flag) != 0; }
};

/// Parents stand before their children.
std::span<const Field> fields();

}  // namespace wp::pool
