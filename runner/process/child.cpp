#include "runner/process/child.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <iterator>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

#include "runner/process/spawn.h"

namespace wp::runner {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

// Handlers' own words belong into the log that people read. A full log pipe loses them rather than
// the others' time: a pipe that is writable takes PIPE_BUF bytes at once without blocking.
void pass_on(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd log{STDERR_FILENO, POLLOUT, 0};
    if (poll(&log, 1, 0) != 1 || (log.revents & POLLOUT) == 0) return;
    const ssize_t n =
        ::write(STDERR_FILENO, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      return;
    }
  }
}

}  // namespace

Child::Child(EventLoop& loop, Reaper& reaper, ChildEvents& events)
    : loop_(loop), reaper_(reaper), events_(events) {}

Child::~Child() {
  if (pid_ > 0 && !exited_) {
    reaper_.forget(pid_);
    force();
  }
  loop_.cancel(force_timer_);
  close(in_);
  close(out_);
  close(err_);
  close(progress_);
}

int Child::start(const Program& program) {
  Pipe in;
  if (program.input) {
    in.read = make_input(*program.input);
  } else {
    in = make_pipe();
  }
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  Pipe progress = program.progress ? make_pipe() : Pipe{};
  if (!in.read || !out.write || !err.write || (program.progress && !progress.write)) {
    return errno != 0 ? errno : EMFILE;
  }
  SpawnRequest request;
  request.path = program.path;
  request.argv = program.argv;
  request.env = program.env;
  request.in = in.read.get();
  request.out = out.write.get();
  request.err = err.write.get();
  request.progress = progress.write.get();
  const Spawned spawned = spawn(request);
  if (spawned.error != 0) return spawned.error;
  pid_ = spawned.pid;
  marker_ = program.marker;
  reaper_.watch(pid_, [this](Reaper::Exit exit) { on_exit(exit); });

  in_ = std::move(in.write);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  progress_ = std::move(progress.read);
  if (in_) set_nonblocking(in_.get());
  const auto watch = [this](const UniqueFd& fd, void (Child::*read)()) {
    if (!fd) return;
    set_nonblocking(fd.get());
    loop_.watch(fd.get(), EPOLLIN, [this, read](std::uint32_t) { (this->*read)(); });
  };
  watch(out_, &Child::read_output);
  watch(err_, &Child::read_errors);
  watch(progress_, &Child::read_progress);
  return 0;
}

void Child::close(UniqueFd& fd) {
  if (fd && (&fd != &in_ || in_watched_)) loop_.forget(fd.get());
  if (&fd == &in_) in_watched_ = false;
  fd.reset();
}

void Child::write(std::string bytes) {
  if (!in_) return;
  if (pending_.empty()) {
    pending_ = std::move(bytes);
  } else {
    pending_ += bytes;
  }
  if (!in_watched_) write_pending();
}

void Child::close_input() {
  in_ends_ = true;
  if (pending_.empty()) close(in_);
}

// What fits into the pipe never meets the loop. A program that does not read its input closes the
// pipe at some time: that is its right.
void Child::write_pending() {
  while (written_ < pending_.size()) {
    const ssize_t n = ::write(in_.get(), pending_.data() + written_, pending_.size() - written_);
    if (n > 0) {
      written_ += static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && errno == EAGAIN) {
      if (!in_watched_) {
        in_watched_ = true;
        loop_.watch(in_.get(), EPOLLOUT, [this](std::uint32_t) { write_pending(); });
      }
      return;
    } else {
      // What is in the pipe and what is pending was not read, and never will be.
      const std::size_t lost = unread();
      written_ = pending_.size() - std::min(lost, pending_.size());
      return close(in_);
    }
  }
  pending_ = {};
  written_ = 0;
  if (in_ends_) return close(in_);
  if (std::exchange(in_watched_, false)) loop_.forget(in_.get());
}

std::size_t Child::unread() const {
  int in_pipe = 0;
  if (!in_ || ioctl(in_.get(), FIONREAD, &in_pipe) != 0) in_pipe = 0;
  return pending_.size() - written_ + static_cast<std::size_t>(in_pipe);
}

template <typename Take>
bool Child::read_all(int fd, Take take) {
  char chunk[kChunk];
  // A bounded number of reads: a program that floods us must not keep the others from their turn.
  for (int turn = 0; turn < 16; ++turn) {
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n > 0) {
      take(std::string_view(chunk, static_cast<std::size_t>(n)));
      // Less than there was room for: the pipe was empty. What comes now, comes with an event.
      if (static_cast<std::size_t>(n) < sizeof chunk) return true;
    } else if (n == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN;
    }
  }
  return true;
}

void Child::read_output() {
  if (!out_) return;
  if (read_all(out_.get(), [this](std::string_view bytes) { events_.output(bytes); })) return;
  close(out_);
  if (!exited_) events_.output_closed();
}

void Child::read_errors() {
  const bool open = read_all(err_.get(), [this](std::string_view bytes) {
    pass_on(bytes);
    events_.errors(bytes);
  });
  if (!open) close(err_);
}

void Child::read_progress() {
  const bool open =
      read_all(progress_.get(), [this](std::string_view bytes) { events_.progress(bytes); });
  if (!open) close(progress_);
}

void Child::stop(Millis grace) {
  if (pid_ <= 0 || exited_) return;
  if (!std::exchange(stopped_, true) && grace.count() > 0) {
    ::kill(-pid_, SIGTERM);
    ::kill(-pid_, SIGCONT);  // one that stands still hears nothing
  }
  const Millis at = boot_now() + grace;
  if (force_at_.count() != 0 && force_at_ <= at) return;
  loop_.cancel(force_timer_);
  force_at_ = at;
  if (grace.count() <= 0) return force();
  force_timer_ = loop_.at(at, [this] { force(); });
}

void Child::force() {
  ::kill(-pid_, SIGKILL);
  reaper_.end_session(pid_, marker_);
}

// Whether somebody can still write to one of them, now that the program itself is gone.
bool Child::held_by_others() const {
  pollfd pipes[] = {{out_.get(), 0, 0}, {err_.get(), 0, 0}, {progress_.get(), 0, 0}};
  if (poll(pipes, std::size(pipes), 0) < 0) return true;
  return std::any_of(std::begin(pipes), std::end(pipes), [](const pollfd& pipe) {
    return pipe.fd >= 0 && (pipe.revents & (POLLHUP | POLLERR)) == 0;
  });
}

void Child::on_exit(Reaper::Exit exit) {
  exited_ = true;
  ::kill(-pid_, SIGKILL);  // what it left running in the background
  // What left the group is looked for only where there is a sign of it: the look is dear.
  if (stopped_ || held_by_others()) reaper_.end_session(pid_, marker_);
  read_output();
  if (err_) read_errors();
  if (progress_) read_progress();
  events_.exited(exit);
}

}  // namespace wp::runner
