// Follows the requests in the bytes that a client of HTTP/1.1 sends, and says whether the one whose
// answer is due now is a watch of one kind of object. Pure; owned by one connection.
//
// It relies on what API clients do: no pipelining, so that a request begins once the answer before
// is complete, and bodies with a length.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace wp::testproxy {

class RequestError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class RequestReader {
 public:
  /// `plural`: the last part of the path of the objects that are watched, such as pods.
  explicit RequestReader(std::string plural) : plural_(std::move(plural)) {}

  /// The next bytes. Throws RequestError for a body without a length and for an endless head.
  void feed(std::string_view bytes);

  /// The newest request is a watch of them.
  bool watching() const { return watching_; }
  /// Its method and target, for the log.
  const std::string& request_line() const { return request_line_; }

 private:
  void take_head(std::string_view head);

  const std::string plural_;
  std::string head_;           // of a request, as far as it came
  std::size_t body_left_ = 0;  // of the newest request's body
  std::string request_line_;
  bool watching_ = false;
};

}  // namespace wp::testproxy
