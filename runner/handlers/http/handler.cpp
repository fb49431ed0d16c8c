#include "runner/handlers/http/handler.h"

#include <utility>

#include "runner/handlers/http/exchange.h"
#include "runner/handlers/http/request.h"

namespace wp::runner {
namespace {

constexpr Millis kGone{200};  // until a process that ends no longer accepts

}  // namespace

// One job's request: what is sent, and the connection.
struct HttpHandler::Run {
  Run(Task posted, EventLoop& loop) : task(std::move(posted)), exchange(loop) {}

  Task task;
  HttpRequest request;
  Millis started = boot_now();
  HttpExchange exchange;
};

HttpHandler::HttpHandler(HttpSettings settings, EventLoop& loop, HandlerEvents& events)
    : settings_(std::move(settings)),
      rules_{settings_.target.shown(), settings_.defer_delay},
      loop_(loop),
      events_(events),
      address_(settings_.target.addresses.front()),
      readiness_(
          loop, settings_.target, settings_.ready_path,
          [this](const HttpAddress& address) {
            address_ = address;
            events_.capacity({settings_.slots, {}});
          },
          [this](std::string problem) {
            events_.capacity({0, std::move(problem)});
          },
          settings_.late_after) {
  events_.capacity({0, {}});
  readiness_.ask();
}

HttpHandler::~HttpHandler() = default;

// Of a process that ends, the kernel may close the connections before the socket that it listens
// on. Asked in between it would still accept, and the next job would be one more that crashed.
void HttpHandler::ask_again() {
  if (readiness_.asking()) return;
  events_.capacity({0, {}});
  readiness_.ask(kGone);
}

void HttpHandler::start(Task task) {
  const std::int64_t epoch = task.job.epoch;
  Run& run = *runs_.emplace(epoch, std::make_unique<Run>(std::move(task), loop_)).first->second;
  Millis deadline{0};
  if (run.task.timeout.count() > 0) deadline = system_clock().wall() + run.task.timeout;
  run.request = make_job_request(run.task, settings_.target, settings_.queue, deadline);
  const int error =
      run.exchange.begin(address_, run.request.head, run.request.body(run.task),
                         [this, epoch](const HttpFacts& facts) { answered(epoch, facts); });
  if (error != 0) answered(epoch, {error, HttpResponseParser()});
}

void HttpHandler::stop(std::int64_t epoch, const Stop& stop) {
  if (runs_.contains(epoch)) end(epoch, stopped_ending(stop));
}

void HttpHandler::answered(std::int64_t epoch, const HttpFacts& facts) {
  Ending ending = classify_http(facts, rules_, system_clock().wall());
  // Said before the end, which makes room for a claim.
  if (ending.verdict == Verdict::broken || ending.verdict == Verdict::crash) ask_again();
  end(epoch, std::move(ending));
}

void HttpHandler::end(std::int64_t epoch, Ending ending) {
  const auto it = runs_.find(epoch);
  ending.epoch = epoch;
  ending.duration = boot_now() - it->second->started;
  runs_.erase(it);  // closes the connection
  events_.ended(std::move(ending));
}

}  // namespace wp::runner
