// What is posted to an app for one job: the head, and the body where the payload alone won't do.
//
// The job's facts are headers: WP-Job-Id, WP-Job-Type, WP-Queue, WP-Attempt, WP-Max-Attempts,
// WP-Epoch, WP-Deadline (RFC 3339, absent without a time limit), WP-Session (absent without one).
// A session's document and the result of a chain's step before may be megabytes, so then the body
// is JSON and WP-Envelope: job says so:
//   {"payload": …, "session": {"name": …, "document": …}, "previous": …}
// Each is the JSON that it is, else a string; bytes that are no UTF-8 are base64 in a member whose
// name ends in _base64. Pure.
#pragma once

#include <string>
#include <string_view>

#include "runner/handlers/handler.h"
#include "runner/handlers/http/url.h"

namespace wp::runner {

struct HttpRequest {
  std::string head;
  std::string envelope;  // the body, when it is not the payload

  std::string_view body(const Task& task) const {
    return envelope.empty() ? std::string_view(task.job.payload) : envelope;
  }
};

/// `deadline`: wall clock; 0: none.
HttpRequest make_job_request(const Task& task, const HttpTarget& target, std::string_view queue,
                             Millis deadline);

/// GET of a path, without a body.
std::string make_ready_request(const HttpTarget& target, std::string_view path);

}  // namespace wp::runner
