// Bytes of RESP2 to replies, by hiredis' reader, which builds our values directly. A reply is data
// from outside: its bytes, depth and number of elements are bounded, and what it announces is
// checked before anything is allocated for it. Owned by one Channel.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "queue/redis/reply.h"

struct redisReader;

namespace wp::redis {

class ReplyParser {
 public:
  struct Bounds {
    std::size_t bytes = std::size_t{256} << 20;  // of one reply
    std::int64_t elements = 1 << 20;             // of one reply, all levels together
    int depth = 7;                               // arrays within arrays; all hiredis 0.14 can do
  };

  explicit ReplyParser(Bounds bounds);
  ~ReplyParser();
  ReplyParser(const ReplyParser&) = delete;
  ReplyParser& operator=(const ReplyParser&) = delete;

  /// Throws Error(protocol) when the reply is larger than allowed.
  void feed(std::string_view bytes);
  /// True when a whole reply was there, moved to `reply`. Throws Error(protocol).
  bool next(Reply& reply);
  /// Whether a part of the next reply has come.
  bool has_part() const { return pending_ > 0; }

 private:
  struct Functions;  // what hiredis calls
  struct ReaderDeleter {
    void operator()(redisReader* reader) const;
  };

  const Bounds bounds_;
  std::unique_ptr<redisReader, ReaderDeleter> reader_;
  std::size_t pending_ = 0;  // bytes of the reply that is not whole yet
  Reply root_;
  std::int64_t elements_ = 0;      // of `root_`, announced ones included
  const char* problem_ = nullptr;  // why one of the functions refused
};

}  // namespace wp::redis
