// The exec handler: one process per job, in a session of its own.
//
// The payload goes to its stdin, stdout is the result, stderr is passed on to our own and its end
// is kept for the error, descriptor 3 reports progress; a session's document and the result of a
// chain's step before lie in its scratch folder. Handler loop's thread only; its children die with
// that thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/backoff.h"
#include "runner/event_loop.h"
#include "runner/handlers/handler.h"
#include "runner/handlers/outcome.h"
#include "runner/handlers/scratch.h"
#include "runner/process/reaper.h"

namespace wp::runner {

struct ExecSettings {
  std::string path;                   // of the program; empty: not there yet, looked for again
  std::vector<std::string> argv;      // with the name as the user wrote it
  std::vector<std::string> base_env;  // see environment.h
  std::string queue;
  std::string scratch_dir;  // each job has a folder below
  int slots = 1;
  ExitRules rules;
};

class ExecHandler : public Handler {
 public:
  /// A program that is not there is told as a lack of capacity, and looked for until it is.
  ExecHandler(ExecSettings settings, EventLoop& loop, HandlerEvents& events);
  ~ExecHandler() override;

  void start(Task task) override;
  void stop(std::int64_t epoch, const Stop& stop) override;
  std::vector<HandlerProcess> processes() const override;

 private:
  class Run;

  void look_for_program();
  void finished(std::int64_t epoch, ExitFacts facts, Millis started);

  ExecSettings settings_;
  EventLoop& loop_;
  HandlerEvents& events_;
  Reaper reaper_;
  ScratchPool folders_;
  std::unordered_map<std::int64_t, std::unique_ptr<Run>> runs_;  // by epoch
  Backoff search_{{.initial = Millis{1000}, .max = Millis{30000}, .jitter_percent = 0}};
  EventLoop::TimerId search_timer_ = 0;
};

}  // namespace wp::runner
