#include "runner/handlers/http/response.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/trim.h"
#include "runner/handlers/json_text.h"
#include "runner/handlers/printable.h"

namespace wp::runner {
namespace {

constexpr std::string_view kVersion = "HTTP/1.";
constexpr std::size_t kMaxQuote = 80;
constexpr std::size_t kMaxChunkLine = 1024;  // with its extensions
constexpr std::size_t kMaxChunkDigits = 16;  // 64 bits

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(), [](char c) { return lower(c); });
  return made;
}

// A character of a header's name (RFC 9110, 5.6.2).
bool is_token(char c) {
  constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
         kOther.find(c) != std::string_view::npos;
}

// The optional white space of HTTP (RFC 9110, 5.6.3) has no ends of lines.
std::string_view without_blanks(std::string_view text) {
  return trim(text, " \t");
}

// -1: no hexadecimal digit.
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

void HttpResponseParser::fail(Failure failure, std::string problem) {
  state_ = State::failed;
  failure_ = failure;
  problem_ = std::move(problem);
}

std::string HttpResponseParser::problem() const {
  if (failure_ != Failure::not_http) return problem_;
  std::string_view quote = std::string_view(line_).substr(0, kMaxQuote);
  if (quote.ends_with('\r')) quote.remove_suffix(1);
  return fmt::format("\"{}\"", escaped(quote, 4 * kMaxQuote));
}

void HttpResponseParser::add(std::string_view bytes) {
  begun_ = begun_ || !bytes.empty();
  if (failure_ == Failure::not_http) return take_quote(bytes);
  while (!bytes.empty() && !over()) {
    switch (part_) {
      case Part::sized:
      case Part::endless:
      case Part::chunk:
        take_body(bytes);
        break;
      default:
        if (take_line(bytes)) line();
    }
  }
}

void HttpResponseParser::end() {
  if (part_ == Part::endless && !over()) return complete();
  cut();
}

void HttpResponseParser::cut() {
  if (over()) return;
  fail(Failure::cut, response_.status == 0 ? "before it answered" : "in the middle of its answer");
}

// Adds to the present line; true when it is whole, and then without its end.
bool HttpResponseParser::take_line(std::string_view& bytes) {
  const bool chunk = part_ == Part::chunk_size || part_ == Part::chunk_end;
  std::size_t& room = chunk ? chunk_room_ : room_;
  const std::size_t end = bytes.find('\n');
  const std::size_t size = std::min(end, bytes.size());
  if (part_ == Part::status) {
    // Told from its first bytes: who speaks something else may never end its line.
    const std::size_t known = std::min(line_.size() + size, kVersion.size());
    std::string begin = line_.substr(0, known);
    begin += bytes.substr(0, known - begin.size());
    const bool too_short = end != std::string_view::npos && known < kVersion.size();
    if (too_short || begin != kVersion.substr(0, known)) {
      fail(Failure::not_http, {});
      take_quote(bytes);
      return false;
    }
  }
  const std::size_t taken = size + (end == std::string_view::npos ? 0 : 1);
  if (taken > room) {
    if (chunk) {
      fail(Failure::malformed, "a chunk's size is no line");
    } else {
      fail(Failure::head_too_large, fmt::format("more than {} bytes of headers", limits_.head));
    }
    return false;
  }
  room -= taken;
  line_ += bytes.substr(0, size);
  bytes.remove_prefix(taken);
  return end != std::string_view::npos;
}

// The rest of a line that is no HTTP, for the message alone.
void HttpResponseParser::take_quote(std::string_view bytes) {
  if (quoted_) return;
  const std::size_t end = bytes.find('\n');
  const std::size_t room = kMaxQuote - std::min(line_.size(), kMaxQuote);
  line_ += bytes.substr(0, std::min({end, bytes.size(), room}));
  quoted_ = end != std::string_view::npos || line_.size() >= kMaxQuote;
}

void HttpResponseParser::line() {
  if (line_.ends_with('\r')) line_.pop_back();
  if (part_ == Part::status) {
    status_line();
    if (state_ == State::failed) return;  // the line is quoted
  } else if (line_.find('\r') != std::string::npos || line_.find('\0') != std::string::npos) {
    fail(Failure::malformed, "a header holds a NUL or a carriage return");
  } else if (part_ == Part::header) {
    header_line();
  } else if (part_ == Part::chunk_size) {
    chunk_size_line();
  } else if (part_ == Part::chunk_end) {
    if (!line_.empty()) fail(Failure::malformed, "a chunk is longer than its size");
    part_ = Part::chunk_size;
    chunk_room_ = kMaxChunkLine;
  } else if (line_.empty()) {
    complete();  // behind the trailers
  }
  line_.clear();
}

// HTTP/1.1 200 OK, where the words at the end mean nothing.
void HttpResponseParser::status_line() {
  const std::string_view rest = std::string_view(line_).substr(kVersion.size());
  const bool good = rest.size() >= 5 && is_digit(rest[0]) && rest[1] == ' ' && rest[2] >= '1' &&
                    rest[2] <= '5' && is_digit(rest[3]) && is_digit(rest[4]) &&
                    (rest.size() == 5 || rest[5] == ' ');
  if (!good) {
    quoted_ = true;
    return fail(Failure::not_http, {});
  }
  response_.status = (rest[2] - '0') * 100 + (rest[3] - '0') * 10 + (rest[4] - '0');
  part_ = Part::header;
}

void HttpResponseParser::header_line() {
  if (line_.empty()) return head_done();
  if (line_.front() == ' ' || line_.front() == '\t') {
    // The old folding: belongs to the line before.
    if (response_.headers.empty()) return fail(Failure::malformed, "the first header has no name");
    std::string& value = response_.headers.back().second;
    value += ' ';
    value += without_blanks(line_);
    return;
  }
  const std::size_t colon = line_.find(':');
  const std::string_view name = std::string_view(line_).substr(0, std::min(colon, line_.size()));
  if (colon == std::string::npos || name.empty() ||
      !std::all_of(name.begin(), name.end(), is_token)) {
    return fail(Failure::malformed, fmt::format("\"{}\" is no header", escaped(line_, kMaxQuote)));
  }
  response_.headers.emplace_back(lower(name),
                                 without_blanks(std::string_view(line_).substr(colon + 1)));
}

void HttpResponseParser::head_done() {
  const int status = response_.status;
  if (status == 101) return fail(Failure::malformed, "it switches protocols, unasked");
  if (status < 200) {
    response_.status = 0;
    response_.headers.clear();
    part_ = Part::status;
    return;
  }
  state_ = State::body;
  if (status == 204 || status == 304) return complete();
  std::string coding;
  for (const auto& [name, value] : response_.headers) {
    if (name == "transfer-encoding") coding += (coding.empty() ? "" : ", ") + lower(value);
  }
  if (coding == "chunked") {
    // Overrides a length (RFC 9112, 6.3): with one request a connection it can mislead nobody.
    part_ = Part::chunk_size;
    chunk_room_ = kMaxChunkLine;
  } else if (!coding.empty()) {
    fail(Failure::malformed,
         fmt::format("Transfer-Encoding: {} is not understood", escaped(coding, kMaxQuote)));
  } else if (!understand_length()) {
    part_ = Part::endless;
  }
}

// False when there is no Content-Length. One that is said twice has to be the same.
bool HttpResponseParser::understand_length() {
  std::string all;
  bool there = false;
  for (const auto& [name, value] : response_.headers) {
    if (name != "content-length") continue;
    if (there) all += ',';
    all += value;
    there = true;
  }
  if (!there) return false;
  part_ = Part::sized;
  bool first = true;
  std::string_view rest = all;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::string_view value = without_blanks(rest.substr(0, comma));
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
    // More digits than any length needs: beyond all limits then, whatever it is.
    constexpr std::uint64_t kHuge = 1'000'000'000'000'000'000;
    std::uint64_t length = 0;
    const bool digits = !value.empty() && std::all_of(value.begin(), value.end(), is_digit);
    for (const char c : digits ? value : std::string_view()) {
      length = std::min(kHuge, length * 10 + static_cast<std::uint64_t>(c - '0'));
    }
    if (!digits || (!first && length != left_)) {
      fail(Failure::malformed,
           fmt::format("Content-Length: {} is no length", escaped(all, kMaxQuote)));
      return true;
    }
    left_ = length;
    first = false;
  }
  if (left_ == 0) complete();
  response_.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(left_, limits_.body)));
  return true;
}

void HttpResponseParser::chunk_size_line() {
  std::size_t digits = 0;
  left_ = 0;
  while (digits < line_.size() && hex_value(line_[digits]) >= 0 && digits <= kMaxChunkDigits) {
    left_ = left_ * 16 + static_cast<std::uint64_t>(hex_value(line_[digits++]));
  }
  const std::string_view rest = without_blanks(std::string_view(line_).substr(digits));
  if (digits == 0 || digits > kMaxChunkDigits || (!rest.empty() && rest.front() != ';')) {
    return fail(Failure::malformed,
                fmt::format("\"{}\" is no size of a chunk", escaped(line_, kMaxQuote)));
  }
  part_ = left_ == 0 ? Part::trailer : Part::chunk;
}

void HttpResponseParser::take_body(std::string_view& bytes) {
  std::size_t size = bytes.size();
  if (part_ != Part::endless) {
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
  }
  const std::size_t room = limits_.body - response_.body.size();
  response_.body += bytes.substr(0, std::min(size, room));
  if (size > room) {
    return fail(Failure::body_too_large, fmt::format("more than {} bytes of body", limits_.body));
  }
  bytes.remove_prefix(size);
  if (part_ == Part::endless) return;
  left_ -= size;
  if (left_ > 0) return;
  if (part_ == Part::sized) return complete();
  part_ = Part::chunk_end;
  chunk_room_ = 2;
}

}  // namespace wp::runner
