// Replies from bytes, and the bounds on what a server can make us do.
#include "queue/redis/reply_parser.h"

#include <string>

#include "tests/queue/redis/support.h"

using namespace wp;
using namespace wp::redis;

namespace {

Reply parse(const std::string& bytes, ReplyParser::Bounds bounds = {}) {
  ReplyParser parser(bounds);
  parser.feed(bytes);
  Reply reply;
  REQUIRE(parser.next(reply));
  CHECK_FALSE(parser.has_part());
  return reply;
}

std::string nested(int depth) {
  std::string bytes;
  for (int i = 0; i < depth; ++i) bytes += "*1\r\n";
  return bytes + ":1\r\n";
}

std::string refusal(const std::string& bytes, ReplyParser::Bounds bounds = {}) {
  const Error error = test::error_of([&] {
    ReplyParser parser(bounds);
    parser.feed(bytes);
    Reply reply;
    if (!parser.next(reply)) FAIL("waits for more");
  });
  CHECK(error.error_class() == ErrorClass::protocol);
  return error.what();
}

}  // namespace

TEST_CASE("every type of RESP2") {
  CHECK(parse("+OK\r\n").type == Reply::Type::status);
  CHECK(parse("+OK\r\n").bytes == "OK");
  CHECK(parse("-ERR no\r\n").type == Reply::Type::error);
  CHECK(parse(":-12\r\n").number == -12);
  CHECK(parse("$-1\r\n").is_nil());
  CHECK(parse("*-1\r\n").is_nil());
  CHECK(parse("$0\r\n\r\n").text().empty());
  CHECK(parse("*0\r\n").array().empty());
  CHECK(parse("$5\r\na\r\n\r\n\r\n").text() == "a\r\n\r\n");
  const Reply tree = parse("*3\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n$-1\r\n+y\r\n");
  CHECK(tree.at(0).at(0).number == 1);
  CHECK(tree.at(0).at(1).at(0).text() == "x");
  CHECK(tree.at(1).is_nil());
  CHECK(tree.at(2).text() == "y");
}

TEST_CASE("replies in pieces of any size, and several in one") {
  const std::string bytes = "*2\r\n$3\r\nfoo\r\n*2\r\n:42\r\n-ERR x\r\n+OK\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    ReplyParser parser({});
    std::vector<Reply> replies;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      parser.feed(std::string_view(bytes).substr(at, piece));
      for (Reply reply; parser.next(reply);) replies.push_back(std::move(reply));
    }
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].at(1).at(0).number == 42);
    CHECK(replies[1].text() == "OK");
    CHECK_FALSE(parser.has_part());
  }
}

TEST_CASE("a long array of arrays, as STEP answers") {
  std::string bytes = "*3000\r\n";
  for (int i = 0; i < 3000; ++i) {
    bytes += "*3\r\n:" + std::to_string(i) + "\r\n$3\r\nabc\r\n$-1\r\n";
  }
  const Reply reply = parse(bytes);
  REQUIRE(reply.items.size() == 3000);
  for (int i = 0; i < 3000; ++i) CHECK(reply.items[static_cast<std::size_t>(i)].at(0).number == i);
}

TEST_CASE("depth") {
  CHECK(parse(nested(7)).at(0).items.size() == 1);
  CHECK(test::contains(refusal(nested(8)), "deep"));
  CHECK(test::contains(refusal(nested(100000)), "deep"));
}

TEST_CASE("counts are refused when they are announced") {
  const ReplyParser::Bounds bounds{.elements = 1000};
  CHECK(test::contains(refusal("*1001\r\n", bounds), "elements"));
  CHECK(test::contains(refusal("*600\r\n*600\r\n", bounds), "elements"));
  CHECK(test::contains(refusal("*100000000\r\n"), "elements"));
  for (const char* huge : {"*2147483647\r\n", "*4294967295\r\n", "*9223372036854775807\r\n",
                           "*99999999999999999999\r\n"}) {
    CHECK_FALSE(refusal(huge).empty());
  }
  // All levels count together, and the next reply begins at nothing.
  ReplyParser parser(bounds);
  parser.feed("*600\r\n");
  for (int i = 0; i < 600; ++i) parser.feed(":1\r\n");
  parser.feed("*600\r\n");
  for (int i = 0; i < 600; ++i) parser.feed(":1\r\n");
  Reply reply;
  CHECK(parser.next(reply));
  CHECK(parser.next(reply));
  CHECK(reply.items.size() == 600);
}

TEST_CASE("bytes of one reply, not of all together") {
  ReplyParser parser({.bytes = 100});
  Reply reply;
  for (int i = 0; i < 50; ++i) {
    parser.feed("+0123456789\r\n");
    CHECK(parser.next(reply));
  }
  parser.feed("$90\r\n");
  CHECK_FALSE(parser.next(reply));
  CHECK(parser.has_part());
  const Error error = test::error_of([&] { parser.feed(std::string(100, 'x')); });
  CHECK(error.error_class() == ErrorClass::protocol);
}

TEST_CASE("what is not RESP2") {
  for (const char* bytes :
       {"$-2\r\n", "*-2\r\n", "$x\r\n", ":x\r\n", "HTTP/1.1 400 Bad Request\r\n",
        "\x15\x03\x03\r\n", "%1\r\n+a\r\n+b\r\n", "~1\r\n+a\r\n", ">2\r\n+a\r\n+b\r\n", "#t\r\n",
        ",1.5\r\n", "(12345\r\n", "=5\r\ntxt:a\r\n", "*1\r\n#t\r\n", "*1\r\n,1.5\r\n"}) {
    CAPTURE(bytes);
    CHECK_FALSE(refusal(bytes).empty());
  }
}
