// The http handler: a job is posted to an app beside the runner, on loopback; its answer is the
// end of the job (http_outcome). No thread and no copy of the payload per job.
//
// Nothing is claimed before the app is ready (http_readiness), and again after an end that says
// that it is not, or may be gone. To stop a job is to close its connection. Handler loop's thread
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "runner/event_loop.h"
#include "runner/handlers/handler.h"
#include "runner/handlers/http/outcome.h"
#include "runner/handlers/http/readiness.h"
#include "runner/handlers/http/url.h"

namespace wp::runner {

struct HttpSettings {
  HttpTarget target;
  std::string ready_path;  // empty: ready when the port accepts
  std::string queue;
  int slots = 1;
  Millis defer_delay{10000};
  Millis late_after = kHttpLate;
};

class HttpHandler : public Handler {
 public:
  HttpHandler(HttpSettings settings, EventLoop& loop, HandlerEvents& events);
  ~HttpHandler() override;

  void start(Task task) override;
  void stop(std::int64_t epoch, const Stop& stop) override;

 private:
  struct Run;

  void answered(std::int64_t epoch, const HttpFacts& facts);
  void end(std::int64_t epoch, Ending ending);
  void ask_again();

  const HttpSettings settings_;
  const HttpRules rules_;
  EventLoop& loop_;
  HandlerEvents& events_;
  HttpAddress address_;
  std::unordered_map<std::int64_t, std::unique_ptr<Run>> runs_;  // by epoch
  HttpReadiness readiness_;
};

}  // namespace wp::runner
