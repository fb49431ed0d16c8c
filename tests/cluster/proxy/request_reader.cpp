#include "tests/cluster/proxy/request_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace wp::testproxy {
namespace {

constexpr std::size_t kMaxHead = 1 << 20;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return made;
}

// The value of a header in a head of lower case; empty when it is not there.
std::string_view header(std::string_view head, std::string_view name) {
  const std::string begin = "\r\n" + std::string(name) + ":";
  const std::size_t at = head.find(begin);
  if (at == std::string_view::npos) return {};
  std::string_view value = head.substr(at + begin.size());
  value = value.substr(0, value.find("\r\n"));
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

bool is_watch_of(std::string_view target, const std::string& plural) {
  const std::size_t question = target.find('?');
  if (question == std::string_view::npos) return false;
  const std::string query = "&" + std::string(target.substr(question + 1)) + "&";
  const bool watch = query.find("&watch=true&") != std::string::npos ||
                     query.find("&watch=1&") != std::string::npos;
  return watch && target.substr(0, question).ends_with("/" + plural);
}

}  // namespace

void RequestReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t body = std::min(body_left_, bytes.size());
    body_left_ -= body;
    bytes.remove_prefix(body);
    if (bytes.empty()) return;
    const std::size_t seen = head_.size();
    head_ += bytes;
    const std::size_t end = head_.find(kEndOfHead);
    if (end == std::string::npos) {
      if (head_.size() > kMaxHead) throw RequestError("a request's head without an end");
      return;
    }
    bytes.remove_prefix(end + kEndOfHead.size() - seen);
    take_head(std::string_view(head_).substr(0, end + 2));
    head_.clear();
  }
}

void RequestReader::take_head(std::string_view head) {
  request_line_ = head.substr(0, head.find("\r\n"));
  request_line_ = request_line_.substr(0, request_line_.rfind(" HTTP/"));
  const std::size_t blank = request_line_.find(' ');
  watching_ = request_line_.starts_with("GET ") &&
              is_watch_of(std::string_view(request_line_).substr(blank + 1), plural_);
  const std::string fields = lower(head);
  if (!header(fields, "transfer-encoding").empty()) {
    throw RequestError("a request's body without a length: " + request_line_);
  }
  const std::string_view length = header(fields, "content-length");
  body_left_ = 0;
  std::from_chars(length.data(), length.data() + length.size(), body_left_);
}

}  // namespace wp::testproxy
