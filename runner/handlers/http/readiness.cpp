#include "runner/handlers/http/readiness.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "runner/handlers/http/request.h"

namespace wp::runner {
namespace {

constexpr Millis kFirstPause{50};
constexpr Millis kLongestPause{1000};
constexpr Millis kAttemptPatience{5000};  // with one attempt

}  // namespace

HttpReadiness::HttpReadiness(EventLoop& loop, const HttpTarget& target, std::string path,
                             Ready ready, Late late, Millis late_after)
    : loop_(loop),
      target_(target),
      path_(std::move(path)),
      request_(path_.empty() ? std::string() : make_ready_request(target_, path_)),
      ready_(std::move(ready)),
      late_(std::move(late)),
      late_after_(late_after) {}

HttpReadiness::~HttpReadiness() {
  loop_.cancel(timer_);
}

void HttpReadiness::ask(Millis pause) {
  if (asking_) return;
  asking_ = true;
  told_late_ = false;
  since_ = boot_now();
  pause_ = kFirstPause;
  address_ = 0;
  if (pause == Millis{0}) return attempt();
  timer_ = loop_.after(pause, [this] { attempt(); });
}

void HttpReadiness::attempt() {
  exchange_ = std::make_unique<HttpExchange>(loop_);
  timer_ = loop_.after(kAttemptPatience, [this] {
    exchange_.reset();
    missing(fmt::format("{}{} does not answer: is the app up?", target_.origin(), path_));
  });
  const int error = exchange_->begin(target_.addresses[address_], request_, {},
                                     [this](const HttpFacts& facts) { answered(facts); });
  if (error != 0) answered({error, HttpResponseParser()});
}

void HttpReadiness::answered(const HttpFacts& facts) {
  loop_.cancel(std::exchange(timer_, 0));
  exchange_.reset();
  if (facts.error != 0) {
    return missing(fmt::format("{} does not accept connections: is the app up?", target_.origin()));
  }
  const int status = facts.answer.response().status;
  if (!path_.empty() && (status < 200 || status >= 300)) {
    return missing(status == 0 ? fmt::format("{}{} answers no HTTP: is the app ready?",
                                             target_.origin(), path_)
                               : fmt::format("{}{} answers HTTP {}: is the app ready?",
                                             target_.origin(), path_, status));
  }
  asking_ = false;
  ready_(target_.addresses[address_]);
}

void HttpReadiness::missing(std::string problem) {
  if (address_ + 1 < target_.addresses.size()) {
    ++address_;
    return attempt();
  }
  address_ = 0;
  timer_ = loop_.after(pause_, [this] { attempt(); });
  pause_ = std::min(2 * pause_, kLongestPause);
  if (told_late_ || boot_now() - since_ < late_after_) return;
  told_late_ = true;
  late_(std::move(problem));
}

}  // namespace wp::runner
