// The answer to one HTTP/1.1 request, read as it comes: status line, headers, and a body by length,
// in chunks, or until the connection closes. Interim answers (1xx) are skipped.
//
// Pure and bounded: no socket, no clock, never more memory than the limits. However the bytes are
// cut into pieces, what comes out is the same. Strict about what decides where an answer ends (RFC
// 9112), since a body that is cut in the wrong place would be taken for a result; lenient about
// line ends without a carriage return. Nothing throws but the allocator.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wp::runner {

struct HttpLimits {
  std::size_t head = 64 * 1024;  // all headers, those of interim answers and trailers included
  std::size_t body = 1024 * 1024;
};

struct HttpResponse {
  int status = 0;                                            // 0: not known yet
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  /// The first header of that name, which is given in lower case; empty when there is none.
  std::string_view header(std::string_view name) const;
};

class HttpResponseParser {
 public:
  enum class State { head, body, complete, failed };
  enum class Failure {
    none,
    not_http,   // what speaks there is something else
    malformed,  // HTTP, but not to be understood
    head_too_large,
    body_too_large,  // the response holds the beginning of the body
    cut,             // the connection ended first
  };

  explicit HttpResponseParser(HttpLimits limits = {}) : limits_(limits), room_(limits.head) {}

  /// What comes after the end, or after a failure, is ignored.
  void add(std::string_view bytes);
  /// The peer closed the connection in order.
  void end();
  /// The connection was cut: nothing that waits for its end is complete.
  void cut();

  State state() const { return state_; }
  bool over() const { return state_ == State::complete || state_ == State::failed; }
  Failure failure() const { return failure_; }
  /// One line about the failure: printable, and short.
  std::string problem() const;
  /// Whether anything came at all.
  bool begun() const { return begun_; }
  /// As far as it is known.
  const HttpResponse& response() const { return response_; }

 private:
  // What the next bytes are.
  enum class Part { status, header, sized, endless, chunk_size, chunk, chunk_end, trailer };

  bool take_line(std::string_view& bytes);
  void take_body(std::string_view& bytes);
  void take_quote(std::string_view bytes);
  void line();
  void status_line();
  void header_line();
  void head_done();
  bool understand_length();
  void chunk_size_line();
  void complete() { state_ = State::complete; }
  void fail(Failure failure, std::string problem);

  HttpLimits limits_;
  HttpResponse response_;
  State state_ = State::head;
  Part part_ = Part::status;
  Failure failure_ = Failure::none;
  std::string problem_;
  std::string line_;            // as much as came of the present line
  std::size_t room_;            // for bytes of headers and trailers
  std::size_t chunk_room_ = 0;  // for bytes of the present chunk's size line
  std::uint64_t left_ = 0;      // of the body, or of the present chunk
  bool begun_ = false;
  bool quoted_ = false;  // not_http: line_ holds all that problem() shows
};

}  // namespace wp::runner
