// The stdio handler: long-lived processes, one job at a time each (stdio_protocol.h is what they
// and we say).
//
// Every slot has a process, and a successor when that is gone: at once when it was replaced, later
// and later when it never came to work. A job that goes wrong costs its own process and no other.
// Handler loop's thread only; its processes die with that thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "runner/event_loop.h"
#include "runner/handlers/handler.h"
#include "runner/handlers/scratch.h"
#include "runner/handlers/stdio/process.h"
#include "runner/process/reaper.h"

namespace wp::runner {

class StdioHandler : public Handler, private StdioProcessOwner {
 public:
  /// Starts all processes. Those that cannot be started are told as a lack of capacity.
  StdioHandler(StdioSettings settings, EventLoop& loop, HandlerEvents& events);
  ~StdioHandler() override;

  void start(Task task) override;
  void stop(std::int64_t epoch, const Stop& stop) override;
  std::vector<HandlerProcess> processes() const override;
  void wear_out(pid_t leader) override;
  void replace_after(std::int64_t jobs) override;
  void close(Millis grace, std::function<void()> closed) override;

 private:
  struct Slot {
    std::unique_ptr<StdioProcess> process;
    std::string scratch;  // of its job
    bool worn = false;    // to be replaced after its job
    Backoff backoff{{.initial = Millis{1000}, .max = Millis{30000}, .jitter_percent = 0}};
    std::string trouble;           // why processes never came to work, until one does
    EventLoop::TimerId timer = 0;  // the next start; or the moment that proves a process good
  };

  void changed(StdioProcess& process) override;
  void progressed(std::int64_t epoch, queue::Progress progress) override;
  void answered(StdioProcess& process, Ending ending) override;
  void gone(StdioProcess& process, StdioEnd end) override;

  Slot& slot_of(const StdioProcess& process);
  void launch(Slot& slot);
  void launch_later(Slot& slot, std::string trouble);
  void proven(Slot& slot);
  bool worn(const Slot& slot) const;
  void replace(Slot& slot);
  void report_capacity();
  void finish_closing();

  StdioSettings settings_;
  EventLoop& loop_;
  HandlerEvents& events_;
  Reaper reaper_;
  ScratchPool scratch_;
  std::vector<Slot> slots_;
  Capacity reported_{-1, {}};
  std::int64_t jobs_each_ = 0;
  std::function<void()> closed_;  // set: closing
};

}  // namespace wp::runner
