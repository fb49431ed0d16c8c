// The parser of answers: what it takes, what it refuses, and that pieces make no difference.
#include <doctest/doctest.h>
#include <optional>
#include <rapidcheck.h>
#include <tuple>

#include "runner/handlers/http/response.h"

using namespace wp::runner;
using State = HttpResponseParser::State;
using Failure = HttpResponseParser::Failure;

namespace {

constexpr HttpLimits kSmall{.head = 256, .body = 64};

enum class Then { nothing, end, cut };

HttpResponseParser parse(std::string_view bytes, Then then = Then::nothing, HttpLimits limits = {},
                         std::size_t piece = std::string::npos) {
  HttpResponseParser parser(limits);
  while (!bytes.empty()) {
    parser.add(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (then == Then::end) parser.end();
  if (then == Then::cut) parser.cut();
  return parser;
}

struct Good {
  std::string bytes;
  int status;
  std::string body;
  bool by_end = false;  // complete only when the connection ends
};

struct Bad {
  std::string bytes;
  Failure failure;
  std::string problem;  // a part of it
};

const std::string kOk = "HTTP/1.1 200 OK\r\n";

std::vector<Good> good_answers() {
  using namespace std::string_literals;
  return {
      {kOk + "Content-Length: 5\r\n\r\nhello", 200, "hello"},
      {kOk + "Content-Length: 5\r\n\r\nhello, and more", 200, "hello"},
      {kOk + "Content-Length: 0\r\n\r\n", 200, ""},
      {kOk + "content-LENGTH:5 \r\n\r\nhello", 200, "hello"},
      {kOk + "Content-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
      {kOk + "Content-Length: 0005\r\n\r\nhello", 200, "hello"},
      {kOk + "Content-Length: 3\r\n\r\n\0\r\n"s, 200, "\0\r\n"s},
      {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", 200, "x"},
      {"HTTP/1.1 404 \r\nContent-Length: 1\r\n\r\nx", 404, "x"},
      {"HTTP/1.0 503 Not \x01 now\r\nContent-Length: 1\r\n\r\nx", 503, "x"},
      {"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, "x"},
      {"HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n", 204, ""},
      {"HTTP/1.1 304 Same\r\n\r\n", 304, ""},
      {kOk + "\r\nuntil the end", 200, "until the end", true},
      {"HTTP/1.0 200 OK\r\nA: b\r\n\r\n", 200, "", true},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello"},
      {kOk + "Transfer-Encoding: Chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n"
             "A ; c\r\n0123456789\r\n000;x\r\n"
             "Trailer: 1\r\nOther: 2\r\n\r\n",
       200, "hello0123456789"},
      {kOk + "Transfer-Encoding: chunked\n\n5\nhello\n0\n\n", 200, "hello"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, ""},
      // The coding overrides the length.
      {kOk + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200,
       "hello"},
      {"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n" + kOk +
           "Content-Length: 2\r\n\r\nok",
       200, "ok"},
      {kOk + "Folded: one\r\n  two\r\n\tthree\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
  };
}

std::vector<Bad> bad_answers() {
  using namespace std::string_literals;
  return {
      {"SSH-2.0-OpenSSH_9.2\r\n", Failure::not_http, "\"SSH-2.0-OpenSSH_9.2\""},
      {"-ERR unknown command 'POST'\r\n$5\r\n", Failure::not_http,
       "\"-ERR unknown command 'POST'\""},
      {"\x15\x03\x01", Failure::not_http, "\"\x03\x01"s.substr(0, 1)},
      {"HTT\r\n", Failure::not_http, "\"HTT\""},
      {"\r\n", Failure::not_http, "\"\""},
      {"HTTP/2 200\r\n\r\n", Failure::not_http, "HTTP/2 200"},
      {"HTTP/1.1 20\r\n\r\n", Failure::not_http, "HTTP/1.1 20"},
      {"HTTP/1.1 099 x\r\n", Failure::not_http, "099"},
      {"HTTP/1.1 600 x\r\n", Failure::not_http, "600"},
      {"HTTP/1.1 -20 x\r\n", Failure::not_http, "-20"},
      {"HTTP/1.1 2000\r\n", Failure::not_http, "2000"},
      {"HTTP/1.1  200\r\n", Failure::not_http, "200"},
      {"HTTP/1.x 200\r\n", Failure::not_http, "HTTP/1.x"},
      {"HTTP/1.1 101 Switching\r\n\r\n", Failure::malformed, "switches protocols"},
      {kOk + "no colon\r\n", Failure::malformed, "\"no colon\" is no header"},
      {kOk + "Name : x\r\n", Failure::malformed, "is no header"},
      {kOk + ": x\r\n", Failure::malformed, "is no header"},
      {kOk + " folded: x\r\n", Failure::malformed, "first header"},
      {kOk + "A: b\0c\r\n"s, Failure::malformed, "NUL"},
      {kOk + "A: b\rc\r\n", Failure::malformed, "carriage return"},
      {kOk + "Content-Length: -1\r\n\r\n", Failure::malformed, "-1 is no length"},
      {kOk + "Content-Length: +1\r\n\r\n", Failure::malformed, "no length"},
      {kOk + "Content-Length: 0x10\r\n\r\n", Failure::malformed, "no length"},
      {kOk + "Content-Length:\r\n\r\n", Failure::malformed, "no length"},
      {kOk + "Content-Length: 5,\r\n\r\n", Failure::malformed, "no length"},
      {kOk + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", Failure::malformed,
       "5,6 is no length"},
      {kOk + "Transfer-Encoding: gzip, chunked\r\n\r\n", Failure::malformed, "gzip, chunked"},
      {kOk + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", Failure::malformed,
       "gzip, chunked"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", Failure::malformed, "\"xyz\" is no size"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n\r\n", Failure::malformed, "is no size"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n-5\r\n", Failure::malformed, "is no size"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n5 5\r\n", Failure::malformed, "is no size"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", Failure::malformed,
       "is no size"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n", Failure::malformed, "chunk"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n5;" + std::string(2000, 'e'), Failure::malformed,
       "no line"},
      {kOk + "A: " + std::string(300, 'h'), Failure::head_too_large, "256 bytes of headers"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: " + std::string(300, 't'),
       Failure::head_too_large, "256"},
      {kOk + "Content-Length: 65\r\n\r\n" + std::string(65, 'b'), Failure::body_too_large,
       "64 bytes"},
      {kOk + "Content-Length: 99999999999999999999999999999\r\n\r\n" + std::string(65, 'b'),
       Failure::body_too_large, "64"},
      {kOk + "\r\n" + std::string(65, 'b'), Failure::body_too_large, "64"},
      {kOk + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + std::string(65, 'b'),
       Failure::body_too_large, "64"},
  };
}

using Facts = std::tuple<State, Failure, std::string, int, std::string,
                         std::vector<std::pair<std::string, std::string>>>;

Facts facts(const HttpResponseParser& parser) {
  const HttpResponse& response = parser.response();
  return {parser.state(),  parser.failure(), parser.problem(),
          response.status, response.body,    response.headers};
}

}  // namespace

TEST_CASE("answers that are good") {
  for (const Good& row : good_answers()) {
    CAPTURE(row.bytes);
    const HttpResponseParser parser = parse(row.bytes, row.by_end ? Then::end : Then::nothing);
    CHECK(parser.state() == State::complete);
    CHECK(parser.response().status == row.status);
    CHECK(parser.response().body == row.body);
    if (row.by_end) CHECK(parse(row.bytes).state() == State::body);
  }
}

TEST_CASE("answers that are refused, each with its reason") {
  for (const Bad& row : bad_answers()) {
    CAPTURE(row.bytes);
    const HttpResponseParser parser = parse(row.bytes, Then::nothing, kSmall);
    CHECK(parser.state() == State::failed);
    CHECK(parser.failure() == row.failure);
    CAPTURE(parser.problem());
    CHECK(parser.problem().find(row.problem) != std::string::npos);
    CHECK(parser.response().body.size() <= kSmall.body);
  }
}

TEST_CASE("an answer that breaks off anywhere is cut, however the connection ends") {
  for (const Good& row : good_answers()) {
    if (row.by_end) continue;
    const std::string whole = row.bytes.substr(0, row.bytes.rfind(", and more"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      if (parse(whole.substr(0, size)).state() == State::complete) break;
      CAPTURE(whole.substr(0, size));
      CHECK(parse(whole.substr(0, size), Then::cut).failure() == Failure::cut);
      CHECK(parse(whole.substr(0, size), Then::end).failure() == Failure::cut);
    }
  }
}

TEST_CASE("a body until the end needs an end in order") {
  const std::string bytes = kOk + "\r\nhalf";
  CHECK(parse(bytes, Then::end).state() == State::complete);
  CHECK(parse(bytes, Then::cut).failure() == Failure::cut);
}

TEST_CASE("headers are found whatever their case; folded lines are one value") {
  const HttpResponse response =
      parse(kOk + "Retry-AFTER:  7 \r\nX-A: one\r\n two\r\nX-A: three\r\nContent-Length: 0\r\n\r\n")
          .response();
  CHECK(response.header("retry-after") == "7");
  CHECK(response.header("x-a") == "one two");
  CHECK(response.header("x-b").empty());
}

TEST_CASE("interim answers without end are bounded") {
  HttpResponseParser parser(kSmall);
  for (int i = 0; i < 100 && !parser.over(); ++i) parser.add("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(parser.failure() == Failure::head_too_large);
}

TEST_CASE("the limits themselves are allowed") {
  const std::string head = kOk + "Content-Length: 64\r\nA: ";
  const std::string fill(256 - head.size() - 4, 'x');
  CHECK(parse(head + fill + "\r\n\r\n" + std::string(64, 'b'), Then::nothing, kSmall).state() ==
        State::complete);
  CHECK(parse(head + fill + "x\r\n\r\n", Then::nothing, kSmall).failure() ==
        Failure::head_too_large);
}

TEST_CASE("byte by byte nothing is different") {
  for (const auto& row : good_answers()) {
    CAPTURE(row.bytes);
    CHECK(facts(parse(row.bytes, Then::end)) == facts(parse(row.bytes, Then::end, {}, 1)));
  }
  for (const auto& row : bad_answers()) {
    CAPTURE(row.bytes);
    CHECK(facts(parse(row.bytes, Then::end, kSmall)) ==
          facts(parse(row.bytes, Then::end, kSmall, 1)));
  }
}

TEST_CASE("any bytes in any pieces: the same outcome, within the limits") {
  std::vector<std::string> words = {kOk,        "HTTP/1.1 500 No\r\n",
                                    "\r\n",     "Content-Length: 7\r\n",
                                    "5\r\n",    "Transfer-Encoding: chunked\r\n",
                                    "0\r\n",    "hello\r\n",
                                    "A: b\r\n", " c\r\n",
                                    "\n",       "HTTP/1.1 100 C\r\n\r\n",
                                    "\r",       std::string(1, '\0')};
  for (const auto& row : good_answers()) words.push_back(row.bytes);
  for (const auto& row : bad_answers()) words.push_back(row.bytes);
  CHECK(rc::check("pieces make no difference", [&] {
    const auto parts = *rc::gen::container<std::vector<std::string>>(
        rc::gen::oneOf(rc::gen::elementOf(words), rc::gen::arbitrary<std::string>()));
    std::string bytes = *rc::gen::weightedElement<std::string>(
        {{2, ""}, {4, kOk}, {4, kOk + "Transfer-Encoding: chunked\r\n\r\n"}});
    for (const std::string& part : parts) bytes += part;
    const Then then = *rc::gen::element(Then::nothing, Then::end, Then::cut);

    const HttpResponseParser whole = parse(bytes, then, kSmall);
    for (int i = 0; i < 10; ++i) {
      HttpResponseParser pieces(kSmall);
      for (std::string_view rest = bytes; !rest.empty();) {
        const auto longest = std::min<std::size_t>(rest.size(), 40);
        const auto size = *rc::gen::inRange<std::size_t>(1, longest + 1);
        pieces.add(rest.substr(0, size));
        rest.remove_prefix(size);
      }
      if (then == Then::end) pieces.end();
      if (then == Then::cut) pieces.cut();
      RC_ASSERT(facts(whole) == facts(pieces));
    }
    RC_ASSERT(whole.response().body.size() <= kSmall.body);
    RC_ASSERT(then == Then::nothing || whole.over());
    RC_CLASSIFY(whole.state() == State::complete, "complete");
    RC_CLASSIFY(whole.failure() == Failure::malformed, "malformed");
    RC_CLASSIFY(whole.failure() == Failure::not_http, "no HTTP");
  }));
}
