#include "runner/handlers/exec.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "runner/handlers/environment.h"
#include "runner/handlers/spawn.h"
#include "runner/handlers/streams.h"

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

// One running process and its pipes.
class ExecHandler::Run {
 public:
  Run(ExecHandler& owner, Task task)
      : owner_(owner),
        task_(std::move(task)),
        started_(boot_now()),
        output_(kMaxOutputBytes),
        errors_(queue::kMaxErrorBytes) {}

  ~Run() {
    if (pid_ > 0 && !exited_) force();  // the runner leaves without waiting for it
    owner_.loop_.cancel(force_timer_);
    close_in();
    close(out_);
    close(err_);
    close(progress_);
    owner_.cleaner_.remove(std::move(scratch_));
  }

  /// Answers errno when the program could not be started.
  int begin();
  void stop(StopCause cause, Millis grace);

 private:
  void write_payload();
  /// Reads what is there; false at the end of the stream.
  template <typename Take>
  bool read_all(int fd, Take take);
  void read_output();
  void read_errors();
  void read_progress();
  void force();
  void on_exit(Reaper::Exit exit);

  void close(UniqueFd& fd) {
    if (fd) owner_.loop_.forget(fd.get());
    fd.reset();
  }
  void close_in() {
    if (in_watched_) owner_.loop_.forget(in_.get());
    in_watched_ = false;
    in_.reset();
  }

  ExecHandler& owner_;
  Task task_;
  Millis started_;
  std::string scratch_;
  pid_t pid_ = -1;
  bool exited_ = false;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  UniqueFd progress_;
  bool in_watched_ = false;
  std::size_t written_ = 0;
  HeadBuffer output_;
  TailBuffer errors_;
  LineBuffer progress_lines_;
  StopCause stopped_ = StopCause::none;
  EventLoop::TimerId force_timer_ = 0;
  Millis force_at_{0};
};

int ExecHandler::Run::begin() {
  scratch_ = make_scratch(owner_.settings_.scratch_dir, task_.job.id, task_.job.epoch);
  if (scratch_.empty()) return errno;
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  Pipe progress = make_pipe();
  if (!in.write || !out.write || !err.write || !progress.write) return errno != 0 ? errno : EMFILE;

  JobFacts facts;
  facts.queue = owner_.settings_.queue;
  facts.scratch = scratch_;
  if (task_.timeout.count() > 0) facts.deadline = system_clock().wall() + task_.timeout;
  SpawnRequest request;
  request.path = owner_.settings_.path;
  request.argv = owner_.settings_.argv;
  request.env = job_environment(owner_.settings_.base_env, task_, facts);
  request.in = in.read.get();
  request.out = out.write.get();
  request.err = err.write.get();
  request.progress = progress.write.get();
  const Spawned spawned = spawn(request);
  if (spawned.error != 0) return spawned.error;
  pid_ = spawned.pid;
  owner_.reaper_.watch(pid_, [this](Reaper::Exit exit) { on_exit(exit); });

  in_ = std::move(in.write);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  progress_ = std::move(progress.read);
  for (const UniqueFd* fd : {&in_, &out_, &err_, &progress_}) set_nonblocking(fd->get());
  EventLoop& loop = owner_.loop_;
  loop.watch(out_.get(), EPOLLIN, [this](std::uint32_t) { read_output(); });
  loop.watch(err_.get(), EPOLLIN, [this](std::uint32_t) { read_errors(); });
  loop.watch(progress_.get(), EPOLLIN, [this](std::uint32_t) { read_progress(); });
  write_payload();
  return 0;
}

// A payload that fits into the pipe never meets the loop. A program that does not read its payload
// closes the pipe at some time: that is its right.
void ExecHandler::Run::write_payload() {
  const std::string& payload = task_.job.payload;
  while (written_ < payload.size()) {
    const ssize_t n = ::write(in_.get(), payload.data() + written_, payload.size() - written_);
    if (n > 0) {
      written_ += static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && errno == EAGAIN) {
      if (!in_watched_) {
        in_watched_ = true;
        owner_.loop_.watch(in_.get(), EPOLLOUT, [this](std::uint32_t) { write_payload(); });
      }
      return;
    } else {
      break;
    }
  }
  close_in();
}

template <typename Take>
bool ExecHandler::Run::read_all(int fd, Take take) {
  char chunk[kChunk];
  // A bounded number of reads: a program that floods us must not keep the others from their turn.
  for (int turn = 0; turn < 16; ++turn) {
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n > 0) {
      take(std::string_view(chunk, static_cast<std::size_t>(n)));
    } else if (n == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN;
    }
  }
  return true;
}

void ExecHandler::Run::read_output() {
  const bool open = read_all(out_.get(), [this](std::string_view bytes) { output_.add(bytes); });
  if (output_.overflowed() && force_at_.count() == 0) force();
  if (!open) close(out_);
}

void ExecHandler::Run::read_errors() {
  const bool open = read_all(err_.get(), [this](std::string_view bytes) {
    errors_.add(bytes);
    pass_on(bytes);
  });
  if (!open) close(err_);
}

void ExecHandler::Run::read_progress() {
  const bool open =
      read_all(progress_.get(), [this](std::string_view bytes) { progress_lines_.add(bytes); });
  while (const auto line = progress_lines_.next()) {
    auto progress = parse_progress(*line);
    if (!progress) continue;
    progress->id = task_.job.id;
    owner_.events_.progressed(task_.job.epoch, std::move(*progress));
  }
  if (!open) close(progress_);
}

void ExecHandler::Run::stop(StopCause cause, Millis grace) {
  if (stopped_ == StopCause::none) {
    stopped_ = cause;
    if (grace.count() > 0) kill(-pid_, SIGTERM);
  }
  const Millis at = boot_now() + grace;
  if (force_at_.count() != 0 && force_at_ <= at) return;
  owner_.loop_.cancel(force_timer_);
  if (grace.count() <= 0) return force();
  force_at_ = at;
  force_timer_ = owner_.loop_.at(at, [this] { force(); });
}

void ExecHandler::Run::force() {
  force_at_ = boot_now();
  kill(-pid_, SIGKILL);
  kill_session(pid_, "WP_JOB_DIR=" + scratch_);
}

// Ends with the process, not with its pipes: something that it left behind may hold them for ever.
void ExecHandler::Run::on_exit(Reaper::Exit exit) {
  exited_ = true;
  if (stopped_ != StopCause::none || output_.overflowed()) {
    kill_session(pid_, "WP_JOB_DIR=" + scratch_);
  } else {
    kill(-pid_, SIGKILL);  // what it left running in the background
  }
  if (out_) read_output();
  if (err_) read_errors();
  if (progress_) read_progress();

  ExitFacts facts;
  facts.command = owner_.settings_.argv.front();
  facts.signalled = exit.signalled;
  facts.status = exit.status;
  facts.stopped = stopped_;
  facts.timeout = task_.timeout;
  facts.output_too_large = output_.overflowed();
  facts.output = output_.take();
  facts.errors = errors_.take();
  owner_.finished(task_.job.epoch, std::move(facts), started_);  // ends this object
}

ExecHandler::ExecHandler(ExecSettings settings, EventLoop& loop, HandlerEvents& events)
    : settings_(std::move(settings)), loop_(loop), events_(events), reaper_(loop) {}

ExecHandler::~ExecHandler() = default;

void ExecHandler::start(Task task) {
  const std::int64_t epoch = task.job.epoch;
  const Millis started = boot_now();
  const auto [it, fresh] = runs_.emplace(epoch, std::make_unique<Run>(*this, std::move(task)));
  const int error = fresh ? it->second->begin() : EEXIST;
  if (error == 0) return;
  ExitFacts facts;
  facts.spawn_error = error;
  facts.command = settings_.argv.front();
  finished(epoch, std::move(facts), started);
}

void ExecHandler::stop(std::int64_t epoch, StopCause cause, Millis grace) {
  if (const auto it = runs_.find(epoch); it != runs_.end()) it->second->stop(cause, grace);
}

void ExecHandler::finished(std::int64_t epoch, ExitFacts facts, Millis started) {
  Ending ending = classify_exit(facts, settings_.rules);
  ending.epoch = epoch;
  ending.duration = boot_now() - started;
  const std::unique_ptr<Run> run = std::move(runs_[epoch]);
  runs_.erase(epoch);
  events_.ended(std::move(ending));
}

}  // namespace wp::runner
