#include "runner/handlers/streams.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace wp::runner {
namespace {

constexpr std::size_t kMaxLine = 4096;
constexpr std::size_t kMaxMessage = 200;

}  // namespace

std::string cut_text(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  text.resize(limit);
  return text;
}

void HeadBuffer::add(std::string_view bytes) {
  const std::size_t room = limit_ - bytes_.size();
  if (bytes.size() > room) {
    overflowed_ = true;
    bytes = bytes.substr(0, room);
  }
  bytes_ += bytes;
}

void TailBuffer::add(std::string_view bytes) {
  bytes_ += bytes;
  // Cut rarely: once in `limit_` bytes, not with every chunk.
  if (bytes_.size() > 2 * limit_) bytes_.erase(0, bytes_.size() - limit_);
}

std::string TailBuffer::take() {
  if (bytes_.size() > limit_) bytes_.erase(0, bytes_.size() - limit_);
  return std::move(bytes_);
}

std::optional<queue::Progress> parse_progress(std::string_view line) {
  const nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  const auto percent = parsed.find("progress");
  if (percent == parsed.end() || !percent->is_number()) return std::nullopt;
  queue::Progress progress;
  progress.percent = static_cast<int>(std::clamp(percent->get<double>(), 0.0, 100.0));
  const auto message = parsed.find("message");
  if (message != parsed.end() && message->is_string()) {
    progress.message = cut_text(message->get<std::string>(), kMaxMessage);
  }
  return progress;
}

std::optional<std::string> LineBuffer::next() {
  for (;;) {
    const std::size_t newline = bytes_.find('\n', read_);
    if (newline == std::string::npos) {
      if (bytes_.size() - read_ > kMaxLine) {
        bytes_.clear();
        read_ = 0;
        skipping_ = true;
      }
      return std::nullopt;
    }
    std::string line = bytes_.substr(read_, newline - read_);
    read_ = newline + 1;
    if (std::exchange(skipping_, false) || line.size() > kMaxLine) continue;
    return line;
  }
}

}  // namespace wp::runner
