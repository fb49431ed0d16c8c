// Any bytes as an app's answer: the parser stays within its limits, and pieces make no difference.
// The first two bytes choose the pieces and how the connection ends; libFuzzer's form.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <tuple>

#include "runner/handlers/http_outcome.h"
#include "runner/handlers/http_response.h"

using namespace wp::runner;

namespace {

constexpr HttpLimits kLimits{.head = 512, .body = 256};

void hold(bool property) {
  if (!property) std::abort();
}

enum class Then { nothing, end, cut };

HttpResponseParser parse(std::string_view bytes, Then then, std::size_t piece) {
  HttpResponseParser parser(kLimits);
  while (!bytes.empty()) {
    parser.add(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (then == Then::end) parser.end();
  if (then == Then::cut) parser.cut();
  return parser;
}

auto facts(const HttpResponseParser& parser) {
  const HttpResponse& response = parser.response();
  return std::tuple(parser.state(), parser.failure(), parser.problem(), response.status,
                    response.headers, response.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  const auto then = static_cast<Then>(data[1] % 3);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);

  const HttpResponseParser whole = parse(bytes, then, std::string_view::npos);
  hold(facts(whole) == facts(parse(bytes, then, piece)));
  hold(whole.response().body.size() <= kLimits.body);
  hold(whole.begun() == !bytes.empty());
  hold(then == Then::nothing || whole.over());
  using State = HttpResponseParser::State;
  hold((whole.failure() == HttpResponseParser::Failure::none) == (whole.state() != State::failed));
  hold(whole.state() == State::head || whole.state() == State::failed ||
       whole.response().status >= 200);
  std::size_t head = 0;
  for (const auto& [name, value] : whole.response().headers) {
    head += name.size() + value.size();
    hold(!name.empty() && value.find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos);
  }
  hold(head <= kLimits.head);
  hold(whole.problem().find('\n') == std::string::npos);

  if (!whole.over()) return 0;
  HttpFacts given;
  given.answer = whole;
  const Ending ending = classify_http(given, {"http://127.0.0.1/", wp::Millis{10000}}, wp::Millis{0});
  hold(ending.text.size() <= wp::queue::kMaxResultBytes);
  hold(ending.delay >= wp::Millis{0} && ending.delay <= kMaxRetryAfter);
  return 0;
}
