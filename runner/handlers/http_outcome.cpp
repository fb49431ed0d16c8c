#include "runner/handlers/http_outcome.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <time.h>

#include <nlohmann/json.hpp>

#include "runner/handlers/outcome.h"
#include "runner/handlers/printable.h"

namespace wp::runner {
namespace {

using Failure = HttpResponseParser::Failure;

Ending ending(Verdict verdict, std::string text) {
  Ending made;
  made.verdict = verdict;
  made.text = std::move(text);
  return made;
}

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

// The status, and the beginning of the body, which says more.
std::string said(const std::string& head, const HttpResponse& response) {
  const std::size_t room = queue::kMaxErrorBytes - std::min(head.size() + 2, queue::kMaxErrorBytes);
  const std::string body = printable(response.body, room);
  return body.empty() ? head : fmt::format("{}: {}", head, body);
}

Ending read_result(const HttpResponse& response) {
  if (const std::string_view coding = response.header("content-encoding");
      !coding.empty() && coding != "identity") {
    return ending(Verdict::fail, fmt::format("HTTP {}: Content-Encoding: {} was not asked for",
                                             response.status, printable_line(coding, 80)));
  }
  if (response.header("wp-envelope") != "result") {
    return complete_with(to_json_document(response.body));
  }
  const nlohmann::json parsed = nlohmann::json::parse(response.body, nullptr, false);
  if (!parsed.is_object()) {
    return ending(Verdict::fail,
                  said("WP-Envelope: result, but the body is no JSON object with \"result\" and "
                       "\"session\"",
                       response));
  }
  const auto member = [&parsed](const char* name) {
    const auto found = parsed.find(name);
    return found == parsed.end() ? nlohmann::json() : *found;
  };
  const nlohmann::json patch = member("session");
  return complete_with(member("result").dump(), patch.is_null() ? std::string() : patch.dump());
}

Ending read_status(const HttpResponse& response, const HttpRules& rules, Millis wall) {
  const Verdict verdict = verdict_of(response.status);
  if (verdict == Verdict::complete) return read_result(response);
  if (verdict == Verdict::broken) {
    const std::string head = fmt::format("{} answers HTTP {}", rules.url, response.status);
    if (response.status >= 400) return ending(verdict, said(head, response));
    return ending(verdict, fmt::format("{}: redirects are not followed (Location: {})", head,
                                       printable_line(response.header("location"), 200)));
  }
  Ending made = ending(verdict, said(fmt::format("HTTP {}", response.status), response));
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
  constexpr std::array<const char*, 3> kForms = {"%a, %d %b %Y %H:%M:%S GMT",
                                                 "%A, %d-%b-%y %H:%M:%S GMT",
                                                 "%a %b %e %H:%M:%S %Y"};
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
    return ending(Verdict::broken, fmt::format("{} cannot be reached: {}", rules.url,
                                               std::strerror(facts.error)));
  }
  const HttpResponse& response = facts.answer.response();
  switch (facts.answer.failure()) {
    case Failure::not_http:
      return ending(Verdict::broken, fmt::format("{} does not speak HTTP: it says {}", rules.url,
                                                 facts.answer.problem()));
    case Failure::cut:
      return ending(Verdict::crash, fmt::format("the app ended the connection {}",
                                                facts.answer.problem()));
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
    return ending(Verdict::bury, fmt::format("ResultTooLarge: {}", facts.answer.problem()));
  }
  return ending(Verdict::fail, fmt::format("the app's answer is not to be understood: {}",
                                           facts.answer.problem()));
}

}  // namespace wp::runner
