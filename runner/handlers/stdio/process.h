// One long-lived program of the stdio handler, from its start to its end: it takes one job at a
// time and is held to the protocol (stdio_protocol.h).
//
// It is starting (where it has to say that it is ready), idle, busy, or leaving: then it takes no
// job any more, what it says does not count, and what is left is its end. Owned by StdioHandler;
// event loop's thread only. Never throws.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/event_loop.h"
#include "runner/handlers/handler.h"
#include "runner/handlers/stdio/protocol.h"
#include "runner/handlers/streams.h"
#include "runner/process/child.h"

namespace wp::runner {

struct StdioSettings {
  std::string path;                   // of the program; empty: not there yet, looked for again
  std::vector<std::string> argv;      // with the name as the user wrote it
  std::vector<std::string> base_env;  // see environment.h
  std::string queue;
  std::string scratch_dir;  // each job gets a folder below
  int processes = 1;
  bool ready = false;             // it says {"ready": true} before its first job,
  Millis startup_timeout{60000};  // within this time
};

/// How a process ended.
struct StdioEnd {
  std::string_view reason;    // a metric's label
  std::string text;           // for people; empty when it was our wish
  bool broken = false;        // it never came to work: the next one may fare no better
  std::optional<Ending> job;  // of the job that it had
};

class StdioProcess;

/// Whom a process reports to. Called from the event loop, and from within StdioProcess::offer().
class StdioProcessOwner {
 public:
  virtual ~StdioProcessOwner() = default;
  /// It may have begun to take jobs, or ceased to.
  virtual void changed(StdioProcess& process) = 0;
  virtual void progressed(std::int64_t epoch, queue::Progress progress) = 0;
  /// It answered, and has no job now. It may be retired here.
  virtual void answered(StdioProcess& process, Ending ending) = 0;
  /// Its last call; it may be destroyed here.
  virtual void gone(StdioProcess& process, StdioEnd end) = 0;
};

class StdioProcess : private ChildEvents {
 public:
  StdioProcess(const StdioSettings& settings, EventLoop& loop, Reaper& reaper,
               StdioProcessOwner& owner);
  ~StdioProcess() override;

  /// Answers errno when the program could not be started. Once only.
  int start();

  /// Gives it a job. False when it turns out to have no ear for one: then it is about to leave.
  bool offer(const Task& task, const StdioJobFacts& facts);
  /// Ends it for its job's sake, which ends as the cause says.
  void stop(const Stop& stop);
  /// Ends it, which has no job: its stdin ends now, SIGTERM comes after `polite`, SIGKILL `forced`
  /// later. `reason` outlives it.
  void retire(std::string_view reason, Millis polite, Millis forced);

  bool idle() const { return state_ == State::idle; }
  bool leaving() const { return state_ == State::leaving; }
  bool has_job() const { return job_.has_value(); }
  std::int64_t epoch() const { return job_ ? job_->epoch : 0; }
  std::int64_t answers() const { return answers_; }  // so far
  pid_t pid() const { return child_.pid(); }

 private:
  enum class State { starting, idle, busy, leaving };
  struct Job {
    std::string id;
    std::int64_t epoch = 0;
    std::size_t line_bytes = 0;
    Millis started{0};
  };

  void output(std::string_view bytes) override;
  void errors(std::string_view bytes) override { errors_.add(bytes); }
  void progress(std::string_view) override {}
  void output_closed() override;
  void exited(Reaper::Exit exit) override;

  void take(std::string_view line);
  void take_message(StdioMessage message, std::string_view line);
  void became_ready();
  void answer(Ending ending);
  /// It broke the rules, and nobody knows what it will say next.
  void reject(std::string_view reason, Ending ending);
  void reject_line(std::string_view what, std::string_view line);
  void leave(std::string_view reason);
  void await_exit(std::string otherwise);
  bool read_nothing() const { return child_.unread() >= job_->line_bytes; }
  Verdict blame() const;
  std::string describe(Reaper::Exit exit);

  const StdioSettings& settings_;
  EventLoop& loop_;
  StdioProcessOwner& owner_;
  Child child_;
  State state_ = State::starting;
  StdioLines lines_;
  TailBuffer errors_;
  bool greeted_ = false;  // it said something
  std::int64_t answers_ = 0;
  std::optional<Job> job_;
  // Why it is leaving.
  std::string_view reason_;
  Stop stopped_;
  std::optional<Ending> rejected_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace wp::runner
