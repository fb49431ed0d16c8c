// What a handler says, bounded: the beginning (stdout), the end (stderr), lines (progress).
// Pure buffers without descriptors.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "queue/job.h"

namespace wp::runner {

/// Keeps the first `limit` bytes; the rest only makes it overflow.
class HeadBuffer {
 public:
  explicit HeadBuffer(std::size_t limit) : limit_(limit) {}
  void add(std::string_view bytes);
  bool overflowed() const { return overflowed_; }
  std::string take() { return std::move(bytes_); }

 private:
  std::size_t limit_;
  std::string bytes_;
  bool overflowed_ = false;
};

/// Keeps the last `limit` bytes.
class TailBuffer {
 public:
  explicit TailBuffer(std::size_t limit) : limit_(limit) {}
  void add(std::string_view bytes);
  std::string take();

 private:
  std::size_t limit_;
  std::string bytes_;
};

/// At most `limit` bytes of UTF-8, cut so that no character is torn.
std::string cut_text(std::string text, std::size_t limit);

/// One line of the progress descriptor: {"progress": 40, "message": "…"}, percent clamped to
/// 0..100, the message cut to 200 bytes. Absent when it is something else.
std::optional<queue::Progress> parse_progress(std::string_view line);

/// Splits a stream into lines; a line longer than 4 KiB is dropped.
class LineBuffer {
 public:
  void add(std::string_view bytes) {
    bytes_.erase(0, read_);  // once per batch: per line it would be quadratic
    read_ = 0;
    bytes_ += bytes;
  }
  /// The next whole line without its newline; absent when there is none yet.
  std::optional<std::string> next();

 private:
  std::string bytes_;
  std::size_t read_ = 0;  // of bytes_, handed out already
  bool skipping_ = false;
};

}  // namespace wp::runner
