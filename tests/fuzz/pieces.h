// A stream that comes in pieces. The input chooses them: its first byte says how many lengths
// follow (0 to 7; none: all in one piece), each a byte; they are used in turn. The rest is the
// stream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace wp::fuzz {

class Pieces {
 public:
  explicit Pieces(std::string_view input) {
    if (input.empty()) return;
    const std::size_t count = static_cast<unsigned char>(input[0]) % 8U;
    input.remove_prefix(1);
    lengths_ = input.substr(0, count);
    stream_ = input.substr(lengths_.size());
  }

  const std::string& stream() const { return stream_; }
  /// Instead of what the input holds, for streams that are longer than inputs.
  void replace_stream(std::string stream) { stream_ = std::move(stream); }

  template <typename Use>
  void each(Use use) const {
    std::string_view rest = stream_;
    for (std::size_t i = 0; !rest.empty(); ++i) {
      std::size_t length = rest.size();
      if (!lengths_.empty()) {
        length = static_cast<unsigned char>(lengths_[i % lengths_.size()]) + std::size_t{1};
      }
      use(rest.substr(0, length));
      rest.remove_prefix(std::min(length, rest.size()));
    }
  }

 private:
  std::string lengths_;
  std::string stream_;
};

}  // namespace wp::fuzz
