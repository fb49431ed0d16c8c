// One request and its answer over a connection of its own, on the event loop.
//
// The bytes to be sent are the caller's and outlive the exchange. An exchange that is destroyed
// ends its connection and says nothing more. Handler loop's thread only; nothing blocks.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "base/unique_fd.h"
#include "runner/event_loop.h"
#include "runner/handlers/http/outcome.h"
#include "runner/handlers/http/url.h"

namespace wp::runner {

inline constexpr Millis kHttpConnectTimeout{5000};

class HttpExchange {
 public:
  /// May destroy the exchange.
  using Done = std::function<void(HttpFacts facts)>;

  explicit HttpExchange(EventLoop& loop) : loop_(loop) {}
  ~HttpExchange() { close(); }
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  /// Answers errno when it cannot even begin; else `done` is called once, later, from the loop.
  /// With nothing to send it is done as soon as the connection is there: error 0, and no answer.
  int begin(const HttpAddress& address, std::string_view head, std::string_view body, Done done);

 private:
  void ready();
  void send();
  void receive();
  void probed();
  void finish(int error);
  void close();
  bool all_sent() const { return sent_ == head_.size() + body_.size(); }

  EventLoop& loop_;
  UniqueFd fd_;
  EventLoop::TimerId connect_timer_ = 0;
  std::string_view head_;
  std::string_view body_;
  std::size_t sent_ = 0;
  int send_error_ = 0;
  HttpResponseParser answer_;
  Done done_;
};

}  // namespace wp::runner
