#include "runner/handlers/exec.h"

#include <cerrno>
#include <fmt/format.h>

#include "runner/handlers/environment.h"
#include "runner/handlers/streams.h"
#include "runner/process/child.h"
#include "runner/process/spawn.h"

namespace wp::runner {

// One job's process.
class ExecHandler::Run : private ChildEvents {
 public:
  Run(ExecHandler& owner, Task task)
      : owner_(owner),
        task_(std::move(task)),
        started_(boot_now()),
        child_(owner.loop_, owner.reaper_, *this),
        output_(kMaxOutputBytes),
        errors_(queue::kMaxErrorBytes) {}
  ~Run() override {
    child_.kill();  // when the runner leaves without waiting for it
    if (scratch_.empty()) return;
    if (ended_) {
      owner_.folders_.give_back(std::move(scratch_));
    } else {
      owner_.folders_.discard(std::move(scratch_));
    }
  }

  /// Answers errno when the program could not be started.
  int begin();
  void stop(const Stop& stop);
  pid_t pid() const { return child_.pid(); }

 private:
  int fill_scratch() const;
  void output(std::string_view bytes) override;
  void errors(std::string_view bytes) override { errors_.add(bytes); }
  void progress(std::string_view bytes) override;
  void exited(Reaper::Exit exit) override;

  ExecHandler& owner_;
  Task task_;
  Millis started_;
  std::string scratch_;
  Child child_;
  HeadBuffer output_;
  TailBuffer errors_;
  LineBuffer progress_lines_;
  Stop stopped_;
  bool ended_ = false;  // by itself
};

int ExecHandler::Run::begin() {
  scratch_ = owner_.folders_.take();
  if (scratch_.empty()) return errno;
  if (const int error = fill_scratch(); error != 0) return error;

  JobFacts facts;
  facts.queue = owner_.settings_.queue;
  facts.scratch = scratch_;
  if (task_.timeout.count() > 0) facts.deadline = system_clock().wall() + task_.timeout;
  Program program;
  program.path = owner_.settings_.path;
  program.argv = owner_.settings_.argv;
  program.env = job_environment(owner_.settings_.base_env, task_, facts);
  program.marker = fmt::format("WP_EPOCH={}", task_.job.epoch);
  program.progress = true;
  program.input = task_.job.payload;
  if (const int error = child_.start(program); error != 0) return error;
  task_.job.payload = {};  // it has its own copy
  return 0;
}

int ExecHandler::Run::fill_scratch() const {
  int error = 0;
  if (!task_.job.session.empty()) {
    error = write_scratch(scratch_, kSessionFile, task_.job.session_document);
  }
  if (error == 0 && !task_.job.previous.empty()) {
    error = write_scratch(scratch_, kPreviousFile, task_.job.previous);
  }
  return error;
}

void ExecHandler::Run::output(std::string_view bytes) {
  output_.add(bytes);
  if (output_.overflowed()) child_.kill();
}

void ExecHandler::Run::progress(std::string_view bytes) {
  progress_lines_.add(bytes);
  while (const auto line = progress_lines_.next()) {
    auto said = parse_progress(*line);
    if (!said) continue;
    said->id = task_.job.id;
    owner_.events_.progressed(task_.job.epoch, std::move(*said));
  }
}

void ExecHandler::Run::stop(const Stop& stop) {
  if (stopped_.cause == StopCause::none) stopped_ = stop;
  child_.stop(stop.grace);
}

void ExecHandler::Run::exited(Reaper::Exit exit) {
  ended_ = stopped_.cause == StopCause::none && !output_.overflowed();
  ExitFacts facts;
  facts.command = owner_.settings_.argv.front();
  facts.signalled = exit.signalled;
  facts.status = exit.status;
  facts.stopped = stopped_;
  facts.output_too_large = output_.overflowed();
  facts.output = output_.take();
  facts.errors = errors_.take();
  if (!task_.job.session.empty()) facts.session_patch = read_scratch(scratch_, kPatchFile);
  owner_.finished(task_.job.epoch, std::move(facts), started_);  // ends this object
}

ExecHandler::ExecHandler(ExecSettings settings, EventLoop& loop, HandlerEvents& events)
    : settings_(std::move(settings)),
      loop_(loop),
      events_(events),
      reaper_(loop),
      folders_(settings_.scratch_dir) {
  if (settings_.path.empty()) look_for_program();
}

ExecHandler::~ExecHandler() {
  loop_.cancel(search_timer_);
}

void ExecHandler::look_for_program() {
  search_timer_ = 0;
  settings_.path = find_program(settings_.argv.front());
  if (!settings_.path.empty()) return events_.capacity({settings_.slots, {}});
  search_timer_ = loop_.after(search_.next(0), [this] { look_for_program(); });
  events_.capacity({0, absence_of_program(settings_.argv.front())});
}

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

void ExecHandler::stop(std::int64_t epoch, const Stop& stop) {
  if (const auto it = runs_.find(epoch); it != runs_.end()) it->second->stop(stop);
}

std::vector<HandlerProcess> ExecHandler::processes() const {
  std::vector<HandlerProcess> all;
  for (const auto& [epoch, run] : runs_) all.push_back({run->pid(), epoch});
  return all;
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
