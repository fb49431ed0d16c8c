#include "runner/handlers/http/request.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "runner/handlers/json_text.h"
#include "runner/handlers/printable.h"

namespace wp::runner {
namespace {

constexpr std::size_t kUsualHead = 640;

// The queue lets no name through that could end a header; but a header that somebody else can end
// is a second request, so nothing depends on that.
void add_header(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  for (const char c : value) head += c >= ' ' && c < 0x7F ? c : '?';
  head += "\r\n";
}

void add_header(std::string& head, std::string_view name, std::int64_t value) {
  add_header(head, name, fmt::format_int(value).c_str());
}

// As text, not by way of a tree: numbers and the order of members stay as they are.
void add_member(std::string& out, std::string_view name, std::string_view bytes, bool json) {
  out += '"';
  out += name;
  if (json) {
    out += "\":";
    out += bytes;
  } else if (is_utf8(bytes)) {
    out += "\":";
    out += json_string(bytes);
  } else {
    out += "_base64\":\"";
    out += to_base64(bytes);
    out += '"';
  }
}

std::string make_envelope(const queue::ClaimedJob& job, bool payload_is_json) {
  std::string out = "{";
  add_member(out, "payload", job.payload, payload_is_json);
  if (!job.session.empty()) {
    out += ",\"session\":{";
    add_member(out, "name", job.session, false);
    out += ',';
    add_member(out, "document", job.session_document, is_json(job.session_document));
    out += '}';
  }
  if (!job.previous.empty()) {
    out += ',';
    add_member(out, "previous", job.previous, is_json(job.previous));
  }
  out += '}';
  return out;
}

void begin_head(std::string& head, std::string_view method, std::string_view path,
                const HttpTarget& target) {
  head += method;
  head += ' ';
  head += path;
  head += " HTTP/1.1\r\n";
  add_header(head, "Host", target.authority);
  add_header(head, "User-Agent", "workerpool-runner/" WORKERPOOL_VERSION);
  // A connection of its own: when a kept one is reset, nobody knows whether the app saw the job.
  add_header(head, "Connection", "close");
  add_header(head, "Accept", "*/*");
  add_header(head, "Accept-Encoding", "identity");
}

}  // namespace

HttpRequest make_job_request(const Task& task, const HttpTarget& target, std::string_view queue,
                             Millis deadline) {
  const queue::ClaimedJob& job = task.job;
  HttpRequest made;
  const bool json = is_json(job.payload);
  const bool enveloped = !job.session.empty() || !job.previous.empty();
  if (enveloped) made.envelope = make_envelope(job, json);

  std::string& head = made.head;
  head.reserve(kUsualHead);
  begin_head(head, "POST", target.path, target);
  add_header(head, "Content-Type",
             enveloped || json ? "application/json" : "application/octet-stream");
  add_header(head, "Content-Length", static_cast<std::int64_t>(made.body(task).size()));
  if (enveloped) add_header(head, "WP-Envelope", "job");
  add_header(head, "WP-Job-Id", job.id);
  add_header(head, "WP-Job-Type", job.type);
  add_header(head, "WP-Queue", queue);
  add_header(head, "WP-Attempt", job.failures + 1);
  add_header(head, "WP-Max-Attempts", task.max_attempts);
  add_header(head, "WP-Epoch", job.epoch);
  if (deadline.count() > 0) add_header(head, "WP-Deadline", format_time(deadline));
  if (!job.session.empty()) add_header(head, "WP-Session", job.session);
  head += "\r\n";
  return made;
}

std::string make_ready_request(const HttpTarget& target, std::string_view path) {
  std::string head;
  begin_head(head, "GET", path, target);
  head += "\r\n";
  return head;
}

}  // namespace wp::runner
