// Any bytes as an app's answer: within the limits, and the same in other pieces. The last byte says
// how the connection ends.
#include <tuple>

#include "runner/handlers/http/outcome.h"
#include "runner/handlers/http/response.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/require.h"

using namespace wp;
using namespace wp::runner;
using fuzz::require;

namespace {

constexpr HttpLimits kLimits{.head = 512, .body = 256};

enum class Then { nothing, end, cut };

void finish(HttpResponseParser& parser, Then then) {
  if (then == Then::end) parser.end();
  if (then == Then::cut) parser.cut();
}

auto facts(const HttpResponseParser& parser) {
  const HttpResponse& response = parser.response();
  return std::tuple(parser.state(), parser.failure(), parser.problem(), response.status,
                    response.headers, response.body);
}

void check_limits(const HttpResponseParser& parser) {
  using State = HttpResponseParser::State;
  using Failure = HttpResponseParser::Failure;
  const HttpResponse& response = parser.response();
  require(response.body.size() <= kLimits.body, "the body is bounded");
  std::size_t head = 0;
  for (const auto& [name, value] : response.headers) {
    head += name.size() + value.size();
    require(!name.empty(), "a header has a name");
    require(value.find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos,
            "a header is one line");
  }
  require(head <= kLimits.head, "the headers are bounded");
  require((parser.failure() == Failure::none) == (parser.state() != State::failed),
          "what failed says why");
  require(
      parser.state() == State::head || parser.state() == State::failed || response.status >= 200,
      "an interim answer is none");
  require(parser.problem().find('\n') == std::string::npos, "a problem is one line");
}

void check_outcome(const HttpResponseParser& parser) {
  HttpFacts given;
  given.answer = parser;
  const Ending ending = classify_http(given, {"http://127.0.0.1/", Millis{10000}}, Millis{0});
  require(ending.text.size() <= queue::kMaxResultBytes, "results and errors are bounded");
  require(ending.delay >= Millis{0} && ending.delay <= kMaxRetryAfter, "so is a delay");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const auto then = static_cast<Then>(data[size - 1] % 3);
  const fuzz::Pieces pieces({reinterpret_cast<const char*>(data), size - 1});
  HttpResponseParser whole(kLimits);
  whole.add(pieces.stream());
  finish(whole, then);
  HttpResponseParser parts(kLimits);
  pieces.each([&](std::string_view piece) { parts.add(piece); });
  finish(parts, then);
  require(facts(whole) == facts(parts), "pieces make no difference");
  require(then == Then::nothing || whole.over(), "an end is an end");
  check_limits(whole);
  if (whole.over()) check_outcome(whole);
  return 0;
}
