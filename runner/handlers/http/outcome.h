// What an app's answer means for its job. Pure: facts in, ending out.
//
//   2xx                            the result
//   400, 410, 422                  dead at once
//   408, 425, 429, 503             later, uncounted: Retry-After
//   401, 403, 404, 405, 501, 3xx   the app is not what it should be: no fault of the job
//   other 4xx and 5xx              failed
//
// No connection, and an answer that is no HTTP, are no fault of the job either; an answer that
// breaks off is a crash of the app in its job.
#pragma once

#include <string>
#include <string_view>

#include "runner/handlers/handler.h"
#include "runner/handlers/http/response.h"

namespace wp::runner {

inline constexpr Millis kMaxRetryAfter{3600 * 1000};

/// How an exchange of one request and one answer went.
struct HttpFacts {
  /// errno when no byte of the request could be sent and nothing came: then the rest does not
  /// count. ETIMEDOUT: no connection in time.
  int error = 0;
  HttpResponseParser answer;  // over
};

struct HttpRules {
  std::string url;            // for messages
  Millis defer_delay{10000};  // without a Retry-After that can be understood
};

/// `wall`: the present time, for a Retry-After that is a date.
Ending classify_http(const HttpFacts& facts, const HttpRules& rules, Millis wall);

/// Seconds, or one of the three forms of a date (RFC 9110, 5.6.7), from `wall` on; 0 to an hour.
/// `otherwise` when it is neither.
Millis parse_retry_after(std::string_view value, Millis wall, Millis otherwise);

}  // namespace wp::runner
