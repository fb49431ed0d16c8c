#include "runner/handlers/stdio/process.h"

#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "base/ids.h"
#include "base/units.h"
#include "runner/handlers/environment.h"
#include "runner/handlers/outcome.h"
#include "runner/handlers/printable.h"

namespace wp::runner {
namespace {

// A program that closes its stdout is about to end, as a rule.
constexpr Millis kCloseToExit{1000};
constexpr std::size_t kQuotedRest = 160;

}  // namespace

StdioProcess::StdioProcess(const StdioSettings& settings, EventLoop& loop, Reaper& reaper,
                           StdioProcessOwner& owner)
    : settings_(settings),
      loop_(loop),
      owner_(owner),
      child_(loop, reaper, *this),
      errors_(queue::kMaxErrorBytes) {}

StdioProcess::~StdioProcess() {
  loop_.cancel(timer_);
}

int StdioProcess::start() {
  Program program;
  program.path = settings_.path;
  program.argv = settings_.argv;
  program.marker = "WP_HANDLER_PROCESS=" + random_hex(16);
  program.env = process_environment(settings_.base_env, settings_.queue, program.marker);
  if (const int error = child_.start(program); error != 0) return error;
  if (!settings_.ready) {
    state_ = State::idle;
    return 0;
  }
  timer_ = loop_.after(settings_.startup_timeout, [this] {
    reject("start",
           ending_with(Verdict::broken,
                       with_errors(fmt::format("{} did not say {{\"ready\": true}} within {}",
                                               settings_.argv.front(),
                                               format_duration(settings_.startup_timeout)),
                                   errors_.take())));
  });
  return 0;
}

bool StdioProcess::offer(const Task& task, const StdioJobFacts& facts) {
  // What it said before it was asked cannot be the answer.
  child_.read_output();
  if (state_ != State::idle) return false;
  std::string line = stdio_job_line(task, facts);
  const std::size_t line_bytes = line.size();
  child_.write(std::move(line));
  if (!child_.input_open()) {
    await_exit("it closed its stdin and goes on, where no job can reach it");
    return false;
  }
  job_ = Job{task.job.id, task.job.epoch, line_bytes, boot_now()};
  state_ = State::busy;
  return true;
}

void StdioProcess::stop(const Stop& stop) {
  if (stopped_.cause == StopCause::none) {
    stopped_ = stop;
    leave(to_string(stop.cause));
  }
  child_.stop(stop.grace);
}

void StdioProcess::retire(std::string_view reason, Millis polite, Millis forced) {
  leave(reason);
  child_.close_input();
  timer_ = loop_.after(polite, [this, forced] { child_.stop(forced); });
}

// What began a departure stays its reason.
void StdioProcess::leave(std::string_view reason) {
  if (reason_.empty()) reason_ = reason;
  state_ = State::leaving;
  loop_.cancel(std::exchange(timer_, 0));
}

void StdioProcess::reject(std::string_view reason, Ending ending) {
  leave(reason);
  rejected_ = std::move(ending);
  child_.kill();
  owner_.changed(*this);
}

void StdioProcess::reject_line(std::string_view what, std::string_view line) {
  reject("protocol", ending_with(blame(), stdio_complaint(what, line)));
}

// What goes wrong before it has read its job is no fault of the job; and one that has worked before
// is no broken handler.
Verdict StdioProcess::blame() const {
  if (job_ && !read_nothing()) return Verdict::fail;
  return answers_ > 0 ? Verdict::unstarted : Verdict::broken;
}

void StdioProcess::output(std::string_view bytes) {
  if (state_ == State::leaving) return;
  lines_.add(bytes);
  while (const auto line = lines_.next()) {
    take(*line);
    if (state_ == State::leaving) return;
  }
  if (!lines_.too_long()) return;
  if (blame() == Verdict::fail && lines_.rest().starts_with('{')) {
    reject("protocol",
           ending_with(Verdict::bury,
                       fmt::format("ResultTooLarge: a line of more than {} bytes on stdout",
                                   kMaxStdioLine)));
  } else {
    reject_line(fmt::format("has more than {} bytes", kMaxStdioLine), lines_.rest());
  }
}

void StdioProcess::take(std::string_view line) {
  StdioMessage message = parse_stdio_line(line);
  if (message.kind == StdioMessage::Kind::empty) return;
  const bool first = !std::exchange(greeted_, true);
  if (message.kind == StdioMessage::Kind::invalid) return reject_line(message.text, line);
  if (message.kind == StdioMessage::Kind::ready) {
    // Where nobody waits for it, it does no harm.
    if (!first) return reject_line("is not expected now", line);
    if (state_ == State::starting) became_ready();
    return;
  }
  take_message(std::move(message), line);
}

void StdioProcess::take_message(StdioMessage message, std::string_view line) {
  if (!job_) return reject_line("came while it had no job", line);
  if (message.id && *message.id != job_->id) {
    return reject_line(fmt::format("names another job than its own, {}", job_->id), line);
  }
  if (message.kind == StdioMessage::Kind::progress) {
    message.progress.id = job_->id;
    owner_.progressed(job_->epoch, std::move(message.progress));
  } else if (read_nothing()) {
    reject_line("came before it had read its job", line);
  } else {
    answer(std::move(message.answer));
  }
}

void StdioProcess::became_ready() {
  loop_.cancel(std::exchange(timer_, 0));
  state_ = State::idle;
  owner_.changed(*this);
}

void StdioProcess::answer(Ending ending) {
  ending.epoch = job_->epoch;
  ending.duration = boot_now() - job_->started;
  job_.reset();
  ++answers_;
  state_ = State::idle;
  (void)errors_.take();  // what it says from now on belongs to its next job
  owner_.answered(*this, std::move(ending));
}

void StdioProcess::output_closed() {
  if (state_ == State::leaving) return;
  await_exit("it closed its stdout and goes on, where nothing can be heard of it");
}

// It closed a pipe: it is useless by now, and its end, which says more, is near.
void StdioProcess::await_exit(std::string otherwise) {
  state_ = State::leaving;
  loop_.cancel(timer_);
  timer_ = loop_.after(kCloseToExit, [this, otherwise = std::move(otherwise)] {
    reject("protocol", ending_with(blame(), with_errors(otherwise, errors_.take())));
  });
  owner_.changed(*this);
}

std::string StdioProcess::describe(Reaper::Exit exit) {
  std::string text;
  if (exit.signalled) {
    const char* name = sigabbrev_np(exit.status);
    text = fmt::format("killed by SIG{}", name != nullptr ? name : "?");
  } else {
    text = fmt::format("exit code {}", exit.status);
  }
  if (job_) text += read_nothing() ? " before it read its job" : " before it answered";
  if (!lines_.rest().empty()) {
    text += fmt::format(" (stdout ends in the middle of a line, \"{}\")",
                        escaped(lines_.rest(), kQuotedRest));
  }
  return with_errors(std::move(text), errors_.take());
}

void StdioProcess::exited(Reaper::Exit exit) {
  loop_.cancel(std::exchange(timer_, 0));
  StdioEnd end;
  Ending job;
  if (stopped_.cause != StopCause::none) {
    end.reason = reason_;
    job = stopped_ending(stopped_);
    if (!stopped_.text.empty()) {
      job.text = end.text = with_errors(job.text, errors_.take());
    }
  } else if (rejected_) {
    end.reason = reason_;
    job = std::move(*rejected_);
    end.text = job.text;
    end.broken = job.verdict == Verdict::broken;
  } else if (!reason_.empty()) {
    end.reason = reason_;  // retired
  } else {
    Verdict verdict = blame();
    if (verdict == Verdict::fail && exit.signalled) verdict = Verdict::crash;
    // What a shell and env(1) answer when there is no such program, or it can't be executed; by
    // then it may have read its job, which may be the cause.
    const bool missing = !exit.signalled && (exit.status == 126 || exit.status == 127);
    const bool answered = missing && verdict == Verdict::fail;
    if (missing) verdict = Verdict::broken;
    end.text = describe(exit);
    end.broken = verdict == Verdict::broken;
    end.reason = end.broken ? "start" : exit.signalled ? "crash" : "exit";
    job = ending_with(verdict, end.text);
    job.answered = answered;
  }
  if (job_) {
    job.epoch = job_->epoch;
    job.duration = boot_now() - job_->started;
    end.job = std::move(job);
  }
  owner_.gone(*this, std::move(end));
}

}  // namespace wp::runner
