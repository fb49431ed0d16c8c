// One reply of Redis as a value. Accessors throw Error(protocol) when the shape is another one
// than asked for: a reply is data from outside and never trusted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wp::redis {

struct Reply {
  enum class Type { nil, status, error, integer, text, array };

  Type type = Type::nil;
  std::int64_t number = 0;
  std::string bytes;         // status, error, text
  std::vector<Reply> items;  // array

  bool is_nil() const { return type == Type::nil; }
  std::int64_t integer() const;     // also a text that is a whole number
  const std::string& text() const;  // text or status
  const std::vector<Reply>& array() const;
  /// The i-th element of an array.
  const Reply& at(std::size_t i) const;
};

}  // namespace wp::redis
