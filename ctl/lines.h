// The lines of a file or a pipe, in bounded memory. Owned by the main thread. Throws
// CommandError when reading fails.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace wp::ctl {

/// Longer lines are refused: a payload of 1 MiB with every byte escaped fits.
inline constexpr std::size_t kMaxLineBytes = 8 * 1024 * 1024;

class LineReader {
 public:
  /// `path` "-" is standard input. Throws CommandError when it can't be opened.
  explicit LineReader(const std::string& path);

  /// True when the file can be read twice.
  bool rewindable() const { return rewindable_; }
  /// Back to where it began. Only when rewindable.
  void rewind();

  /// The next line without its newline; false at the end. Blocks on a pipe. A line that is too long
  /// is cut one byte behind the bound.
  bool next(std::string& line);
  /// Number of the line that next() answered last, from 1.
  std::int64_t number() const { return number_; }

  /// False when next() would still have to wait after `patience`.
  bool ready(Millis patience);

  /// The file's name for people: "standard input" for "-".
  const std::string& name() const { return name_; }

 private:
  bool fill();  // false at the end

  std::string name_;
  UniqueFd opened_;
  int fd_ = -1;
  bool rewindable_ = false;
  std::int64_t start_ = 0;
  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::int64_t number_ = 0;
};

}  // namespace wp::ctl
