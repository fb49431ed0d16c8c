// What a Redis answers, or whoever listens there.
#include <fmt/format.h>
#include <vector>

#include "queue/redis/error.h"
#include "queue/redis/reply_parser.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/require.h"

using namespace wp;
using fuzz::require;
using redis::Reply;

namespace {

constexpr redis::ReplyParser::Bounds kBounds{.bytes = 1 << 20, .elements = 100, .depth = 5};

struct Outcome {
  std::vector<Reply> replies;
  std::string problem;
  bool part = false;
};

void fetch(redis::ReplyParser& parser, Outcome& outcome) {
  Reply reply;
  while (parser.next(reply)) outcome.replies.push_back(std::move(reply));
}

template <typename Feed>
Outcome parse(Feed feed) {
  redis::ReplyParser parser(kBounds);
  Outcome outcome;
  try {
    feed(parser, outcome);
    outcome.part = parser.has_part();
  } catch (const redis::Error& e) {
    require(e.error_class() == redis::ErrorClass::protocol, "what is wrong is the protocol");
    outcome.problem = e.what();
  }
  return outcome;
}

Outcome parse_at_once(const std::string& bytes) {
  return parse([&](redis::ReplyParser& parser, Outcome& outcome) {
    parser.feed(bytes);
    fetch(parser, outcome);
  });
}

// Its bytes as a server would send them.
std::string encode(const Reply& reply) {
  switch (reply.type) {
    case Reply::Type::nil:
      return "$-1\r\n";
    case Reply::Type::status:
      return "+" + reply.bytes + "\r\n";
    case Reply::Type::error:
      return "-" + reply.bytes + "\r\n";
    case Reply::Type::integer:
      return fmt::format(":{}\r\n", reply.number);
    case Reply::Type::text:
      return fmt::format("${}\r\n{}\r\n", reply.bytes.size(), reply.bytes);
    case Reply::Type::array:
      break;
  }
  std::string bytes = fmt::format("*{}\r\n", reply.items.size());
  for (const Reply& item : reply.items) bytes += encode(item);
  return bytes;
}

std::string encode(const std::vector<Reply>& replies) {
  std::string bytes;
  for (const Reply& reply : replies) bytes += encode(reply);
  return bytes;
}

std::size_t check_shape(const Reply& reply, int depth) {
  require(reply.items.empty() || depth < kBounds.depth, "no deeper than allowed");
  std::size_t elements = reply.items.size();
  for (const Reply& item : reply.items) elements += check_shape(item, depth + 1);
  return elements;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const fuzz::Pieces pieces({reinterpret_cast<const char*>(data), size});
  const Outcome whole = parse_at_once(pieces.stream());
  const Outcome cut = parse([&](redis::ReplyParser& parser, Outcome& outcome) {
    pieces.each([&](std::string_view piece) {
      parser.feed(piece);
      fetch(parser, outcome);
    });
  });
  const std::string bytes = encode(whole.replies);
  require(encode(cut.replies) == bytes, "replies do not depend on the pieces they come in");
  require(cut.problem == whole.problem, "nor does what is wrong with them");
  require(cut.part == whole.part, "nor whether more is awaited");
  for (const Reply& reply : whole.replies) {
    require(check_shape(reply, 0) <= static_cast<std::size_t>(kBounds.elements),
            "no more elements than allowed");
  }
  const Outcome again = parse_at_once(bytes);
  require(again.problem.empty() && !again.part && encode(again.replies) == bytes,
          "a reply, written down, is read as the same");
  return 0;
}
