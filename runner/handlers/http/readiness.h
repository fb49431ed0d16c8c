// Asks an app until it is ready: its port accepts, or a path answers 2xx. Asked at once, after
// 50 ms, and then less and less often, up to once a second; at rest, and once it is ready, never.
// Handler loop's thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runner/event_loop.h"
#include "runner/handlers/http/exchange.h"
#include "runner/handlers/http/url.h"

namespace wp::runner {

/// An app that was not ready for so long is reported as broken.
inline constexpr Millis kHttpLate{30000};

class HttpReadiness {
 public:
  /// The address that answered: one of the target's.
  using Ready = std::function<void(const HttpAddress& address)>;
  /// What is missing, in one line. Said once, and asked on.
  using Late = std::function<void(std::string problem)>;

  /// `path`: empty when an open port will do. `late_after`: shorter in tests only.
  HttpReadiness(EventLoop& loop, const HttpTarget& target, std::string path, Ready ready, Late late,
                Millis late_after = kHttpLate);
  ~HttpReadiness();
  HttpReadiness(const HttpReadiness&) = delete;
  HttpReadiness& operator=(const HttpReadiness&) = delete;

  /// Begins to ask, the first time after `pause`; without effect while it asks.
  void ask(Millis pause = Millis{0});
  bool asking() const { return asking_; }

 private:
  void attempt();
  void answered(const HttpFacts& facts);
  void missing(std::string problem);

  EventLoop& loop_;
  const HttpTarget target_;
  const std::string path_;
  const std::string request_;
  const Ready ready_;
  const Late late_;
  const Millis late_after_;
  std::unique_ptr<HttpExchange> exchange_;
  EventLoop::TimerId timer_ = 0;  // of the next attempt, or of the end of the present one
  std::size_t address_ = 0;       // of the target's, asked now
  bool asking_ = false;
  bool told_late_ = false;
  Millis since_{0};
  Millis pause_{0};
};

}  // namespace wp::runner
