#include "runner/handlers/http/outcome.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <time.h>

#include "runner/handlers/json_text.h"
#include "runner/handlers/outcome.h"
#include "runner/handlers/printable.h"

namespace wp::runner {
namespace {

using Failure = HttpResponseParser::Failure;

Verdict verdict_of(int status) {
  if (status >= 200 && status < 300) return Verdict::complete;
  if (status < 400) return Verdict::broken;
  switch (status) {
    case 400:
    case 410:
    case 422:
      return Verdict::bury;
    case 408:
    case 425:
    case 429:
    case 503:
      return Verdict::defer;
    case 401:
    case 403:
    case 404:
    case 405:
    case 501:
      return Verdict::broken;
    default:
      return Verdict::fail;
  }
}

// The app ran and said so: it may be this job after all.
Ending broken(std::string text) {
  Ending made = ending_with(Verdict::broken, std::move(text));
  made.answered = true;
  return made;
}

// The status, and the beginning of the body, which says more.
std::string said(const std::string& head, const HttpResponse& response) {
  constexpr std::size_t kAround = 8;  // the colon, and the ellipsis of what is cut
  const std::size_t room =
      queue::kMaxErrorBytes - std::min(head.size() + kAround, queue::kMaxErrorBytes);
  std::string_view body = response.body;
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
  return body.empty() ? head : fmt::format("{}: {}", head, escaped(body, room));
}

Ending read_result(const HttpResponse& response) {
  if (const std::string_view coding = response.header("content-encoding");
      !coding.empty() && coding != "identity") {
    return ending_with(Verdict::fail, fmt::format("HTTP {}: Content-Encoding: {} was not asked for",
                                                  response.status, escaped(coding, 80)));
  }
  if (response.header("wp-envelope") != "result") {
    return complete_with(to_json_document(response.body));
  }
  const auto members = json_members(response.body);
  if (!members) {
    return ending_with(
        Verdict::fail,
        said("WP-Envelope: result, but the body is no JSON object with \"result\" and "
             "\"session\"",
             response));
  }
  std::string result = "null";
  std::string patch;
  for (const JsonMember& member : *members) {
    if (member.name == "result") result = member.value;
    if (member.name == "session" && member.value != "null") patch = member.value;
  }
  return complete_with(std::move(result), std::move(patch));
}

Ending read_status(const HttpResponse& response, const HttpRules& rules, Millis wall) {
  const Verdict verdict = verdict_of(response.status);
  if (verdict == Verdict::complete) return read_result(response);
  if (verdict == Verdict::broken) {
    const std::string head = fmt::format("{} answers HTTP {}", rules.url, response.status);
    if (response.status >= 400) return broken(said(head, response));
    return broken(fmt::format("{}: redirects are not followed (Location: {})", head,
                              escaped(response.header("location"), 200)));
  }
  Ending made = ending_with(verdict, said(fmt::format("HTTP {}", response.status), response));
  if (verdict == Verdict::defer) {
    made.delay = parse_retry_after(response.header("retry-after"), wall, rules.defer_delay);
  }
  return made;
}

}  // namespace

Millis parse_retry_after(std::string_view value, Millis wall, Millis otherwise) {
  if (value.empty()) return otherwise;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (std::all_of(value.begin(), value.end(), is_digit)) {
    Millis delay{0};
    for (const char c : value) {
      delay = std::min(kMaxRetryAfter, delay * 10 + Millis{(c - '0') * 1000});
    }
    return delay;
  }
  constexpr std::array<const char*, 3> kForms = {
      "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};
  const std::string text(value);
  for (const char* form : kForms) {
    tm parts{};
    const char* const end = strptime(text.c_str(), form, &parts);
    if (end == nullptr || *end != '\0') continue;
    const Millis moment{static_cast<std::int64_t>(timegm(&parts)) * 1000};
    return std::clamp(moment - wall, Millis{0}, kMaxRetryAfter);
  }
  return otherwise;
}

Ending classify_http(const HttpFacts& facts, const HttpRules& rules, Millis wall) {
  if (facts.error != 0) {
    return ending_with(Verdict::broken, fmt::format("{} cannot be reached: {}", rules.url,
                                                    std::strerror(facts.error)));
  }
  const HttpResponse& response = facts.answer.response();
  switch (facts.answer.failure()) {
    case Failure::not_http:
      return broken(
          fmt::format("{} does not speak HTTP: it says {}", rules.url, facts.answer.problem()));
    case Failure::cut:
      return ending_with(Verdict::crash,
                         fmt::format("the app ended the connection {}", facts.answer.problem()));
    case Failure::none:
      return read_status(response, rules, wall);
    default:
      break;
  }
  // The answer cannot be read to its end. Where its status is an error, that is enough.
  if (response.status != 0 && verdict_of(response.status) != Verdict::complete) {
    return read_status(response, rules, wall);
  }
  if (facts.answer.failure() == Failure::body_too_large) {
    return ending_with(Verdict::bury, fmt::format("ResultTooLarge: {}", facts.answer.problem()));
  }
  return ending_with(Verdict::fail, fmt::format("the app's answer is not to be understood: {}",
                                                facts.answer.problem()));
}

}  // namespace wp::runner
