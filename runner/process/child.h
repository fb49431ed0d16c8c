// One program that runs for us: its process, the session that it leads, and its pipes.
//
// All pipes are served at once by the event loop, so no order in which a program reads and writes
// can block it or us. It ends with the process, not with its pipes: what it left behind may hold
// them for ever, and is killed. (A daemon that left the session and closed all that it inherited is
// found only when the program is stopped.) Owned by a handler; event loop's thread only. Never
// throws.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/unique_fd.h"
#include "runner/event_loop.h"
#include "runner/process/reaper.h"

namespace wp::runner {

/// What a program is and what it finds when it starts.
struct Program {
  std::string path;               // resolved: PATH is not searched
  std::vector<std::string> argv;  // with the name as the user wrote it
  std::vector<std::string> env;   // NAME=value
  /// An entry of `env` that no other process has: tells its descendants when they left its session.
  std::string marker;
  bool progress = false;  // whether it gets a descriptor 3
  /// All that it finds on stdin, from the start: also when we die while it reads. Absent: what
  /// write() gives it, until close_input().
  std::optional<std::string_view> input;
};

/// Whom a child reports to. Called from the event loop only, never from within a call of Child but
/// read_output().
/// The child may be stopped in each of them, but destroyed only in exited().
class ChildEvents {
 public:
  virtual ~ChildEvents() = default;
  virtual void output(std::string_view bytes) = 0;    // stdout
  virtual void errors(std::string_view bytes) = 0;    // stderr; it was passed on to ours already
  virtual void progress(std::string_view bytes) = 0;  // descriptor 3
  /// It closed its stdout; most often it is about to end.
  virtual void output_closed() {}
  /// The last call, after all that it wrote.
  virtual void exited(Reaper::Exit exit) = 0;
};

class Child {
 public:
  Child(EventLoop& loop, Reaper& reaper, ChildEvents& events);
  /// Kills what still runs, and does not wait for it.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Answers 0, or errno when it could not be started. Once only.
  int start(const Program& program);
  pid_t pid() const { return pid_; }

  // Of a program without `input`:
  /// For its stdin, behind what was given before. A program that closes it loses the rest.
  void write(std::string bytes);
  /// Ends its stdin, when all of that is written.
  void close_input();
  /// Bytes given to write() that it has not read.
  std::size_t unread() const;
  /// Whether it can still be written to, as far as the last write() found out.
  bool input_open() const { return static_cast<bool>(in_); }
  /// Hands on what it has written by now, before the event loop comes to it.
  void read_output();

  /// SIGTERM to its group (and SIGCONT, so that it can obey), SIGKILL to its session after `grace`
  /// (at once when that is 0). Called again, the earlier end counts.
  void stop(Millis grace);
  void kill() { stop(Millis{0}); }

 private:
  void write_pending();
  /// Reads what is there; false at the end of the stream.
  template <typename Take>
  bool read_all(int fd, Take take);
  void read_errors();
  void read_progress();
  void force();
  bool held_by_others() const;
  void on_exit(Reaper::Exit exit);
  void close(UniqueFd& fd);

  EventLoop& loop_;
  Reaper& reaper_;
  ChildEvents& events_;
  std::string marker_;
  pid_t pid_ = -1;
  bool exited_ = false;
  bool stopped_ = false;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  UniqueFd progress_;
  std::string pending_;      // for stdin
  std::size_t written_ = 0;  // of pending_
  bool in_watched_ = false;
  bool in_ends_ = false;
  EventLoop::TimerId force_timer_ = 0;
  Millis force_at_{0};
};

}  // namespace wp::runner
