// Cuts a stream of bytes into lines. Chunks end anywhere, in the middle of a line or of a UTF-8
// character; a line is only looked at when it is whole. Owned by one reader; not thread safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wp::kube {

class LineSplitter {
 public:
  explicit LineSplitter(std::size_t max_line = 16u << 20) : max_line_(max_line) {}

  enum class Fed { more, ended, too_long };
  /// Calls `on_line` (no newline, never empty) for each line that is complete. It answers false to
  /// stop; the rest of the chunk is dropped then.
  template <typename OnLine>
  Fed feed(std::string_view chunk, OnLine on_line) {
    while (!chunk.empty()) {
      const std::size_t end = chunk.find('\n');
      const std::string_view piece = chunk.substr(0, end);
      if (partial_.size() + piece.size() > max_line_) return Fed::too_long;
      if (end == std::string_view::npos) {
        partial_.append(piece);
        return Fed::more;
      }
      chunk.remove_prefix(end + 1);
      bool go_on = true;
      if (partial_.empty()) {
        if (!piece.empty()) go_on = on_line(piece);
      } else {
        partial_.append(piece);
        go_on = on_line(std::string_view(partial_));
        partial_.clear();
      }
      if (!go_on) return Fed::ended;
    }
    return Fed::more;
  }

  /// Something came after the last newline.
  bool mid_line() const { return !partial_.empty(); }
  void reset() { partial_.clear(); }

 private:
  const std::size_t max_line_;
  std::string partial_;
};

}  // namespace wp::kube
