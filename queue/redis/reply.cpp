#include "queue/redis/reply.h"

#include <charconv>

#include "queue/redis/error.h"

namespace wp::redis {
namespace {

[[noreturn]] void wrong_shape(const char* expected) {
  throw Error(ErrorClass::protocol, std::string("unexpected reply: wanted ") + expected);
}

}  // namespace

std::int64_t Reply::integer() const {
  if (type == Type::integer) return number;
  if (type == Type::text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
    if (error == std::errc{} && end == bytes.data() + bytes.size()) return value;
  }
  wrong_shape("a whole number");
}

const std::string& Reply::text() const {
  if (type != Type::text && type != Type::status) wrong_shape("a text");
  return bytes;
}

const std::vector<Reply>& Reply::array() const {
  if (type != Type::array) wrong_shape("a list");
  return items;
}

const Reply& Reply::at(std::size_t i) const {
  const auto& list = array();
  if (i >= list.size()) wrong_shape("a longer list");
  return list[i];
}

}  // namespace wp::redis
