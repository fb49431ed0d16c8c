#include "runner/handlers/stdio/handler.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "base/log.h"
#include "runner/process/spawn.h"

namespace wp::runner {
namespace {

// What a process that is replaced gets to end by itself.
constexpr Millis kRetireGrace{5000};
// When the runner leaves: what processes get before SIGTERM, which many take less well.
constexpr Millis kPoliteClose{500};
// A process that lives for so long has come to work, also when there was no job for it.
constexpr Millis kProves{5000};

Ending ending_of(const Task& task, Verdict verdict, std::string text) {
  Ending ending;
  ending.epoch = task.job.epoch;
  ending.verdict = verdict;
  ending.text = std::move(text);
  return ending;
}

}  // namespace

StdioHandler::StdioHandler(StdioSettings settings, EventLoop& loop, HandlerEvents& events)
    : settings_(std::move(settings)),
      loop_(loop),
      events_(events),
      reaper_(loop),
      scratch_(settings_.scratch_dir),
      slots_(static_cast<std::size_t>(settings_.processes)) {
  for (Slot& slot : slots_) launch(slot);
  report_capacity();
}

StdioHandler::~StdioHandler() {
  for (Slot& slot : slots_) {
    loop_.cancel(slot.timer);
    scratch_.discard(std::move(slot.scratch));
  }
}

void StdioHandler::launch(Slot& slot) {
  slot.timer = 0;
  slot.worn = false;
  if (settings_.path.empty()) settings_.path = find_program(settings_.argv.front());
  if (settings_.path.empty()) {
    return launch_later(slot, absence_of_program(settings_.argv.front()));
  }
  StdioProcessOwner& owner = *this;
  slot.process = std::make_unique<StdioProcess>(settings_, loop_, reaper_, owner);
  const int error = slot.process->start();
  if (error != 0) {
    slot.process.reset();
    launch_later(slot,
                 fmt::format("cannot start {}: {}", settings_.argv.front(), std::strerror(error)));
  } else if (!slot.trouble.empty() && slot.process->idle()) {
    slot.timer = loop_.after(kProves, [this, &slot] { proven(slot); });
  }
}

void StdioHandler::launch_later(Slot& slot, std::string trouble) {
  const Millis wait = slot.backoff.next(0);
  log::warn("a handler process did not come to work, the next one is started later",
            {{"error", trouble}, {"wait_ms", wait.count()}});
  slot.trouble = std::move(trouble);
  slot.timer = loop_.after(wait, [this, &slot] {
    launch(slot);
    report_capacity();
  });
}

void StdioHandler::proven(Slot& slot) {
  loop_.cancel(std::exchange(slot.timer, 0));
  slot.trouble.clear();
  slot.backoff.reset();
  report_capacity();
}

StdioHandler::Slot& StdioHandler::slot_of(const StdioProcess& process) {
  return *std::find_if(slots_.begin(), slots_.end(),
                       [&](const Slot& slot) { return slot.process.get() == &process; });
}

void StdioHandler::start(Task task) {
  StdioJobFacts facts;
  facts.queue = settings_.queue;
  facts.scratch = scratch_.take();
  if (facts.scratch.empty()) {
    return events_.ended(ending_of(task, Verdict::broken,
                                   fmt::format("cannot make the job's folder in {}: {}",
                                               settings_.scratch_dir, std::strerror(errno))));
  }
  if (task.timeout.count() > 0) facts.deadline = system_clock().wall() + task.timeout;
  for (Slot& slot : slots_) {
    if (!slot.process || !slot.process->idle()) continue;
    if (!slot.process->offer(task, facts)) continue;
    slot.scratch = std::move(facts.scratch);
    return;
  }
  scratch_.give_back(std::move(facts.scratch));
  events_.ended(ending_of(task, Verdict::unstarted, "no handler process was free"));
}

void StdioHandler::stop(std::int64_t epoch, const Stop& stop) {
  for (Slot& slot : slots_) {
    if (slot.process && slot.process->has_job() && slot.process->epoch() == epoch) {
      return slot.process->stop(stop);
    }
  }
}

std::vector<HandlerProcess> StdioHandler::processes() const {
  std::vector<HandlerProcess> all;
  for (const Slot& slot : slots_) {
    if (slot.process) all.push_back({slot.process->pid(), slot.process->epoch()});
  }
  return all;
}

// A fresh process is as large as its successor will be: it gets its job first.
bool StdioHandler::worn(const Slot& slot) const {
  return slot.process->answers() > 0 &&
         (slot.worn || (jobs_each_ > 0 && slot.process->answers() >= jobs_each_));
}

void StdioHandler::replace(Slot& slot) {
  slot.process->retire(slot.worn ? "memory" : "jobs", kRetireGrace, Millis{0});
}

void StdioHandler::wear_out(pid_t leader) {
  for (Slot& slot : slots_) {
    if (!slot.process || slot.process->pid() != leader || slot.process->leaving()) continue;
    slot.worn = true;
    if (!slot.process->idle() || !worn(slot)) return;
    replace(slot);
    report_capacity();
    return;
  }
}

void StdioHandler::replace_after(std::int64_t jobs) {
  jobs_each_ = jobs;
  for (Slot& slot : slots_) {
    if (slot.process && slot.process->idle() && worn(slot)) replace(slot);
  }
  report_capacity();
}

void StdioHandler::close(Millis grace, std::function<void()> closed) {
  closed_ = std::move(closed);
  const Millis polite = std::min(kPoliteClose, grace / 4);
  for (Slot& slot : slots_) {
    loop_.cancel(std::exchange(slot.timer, 0));
    if (slot.process) slot.process->retire("close", polite, grace - polite);
  }
  finish_closing();
}

void StdioHandler::finish_closing() {
  const bool all_gone = std::none_of(slots_.begin(), slots_.end(),
                                     [](const Slot& slot) { return slot.process != nullptr; });
  if (all_gone) std::exchange(closed_, [] {})();
}

void StdioHandler::changed(StdioProcess& process) {
  Slot& slot = slot_of(process);
  if (process.leaving()) {
    loop_.cancel(std::exchange(slot.timer, 0));
  } else if (!slot.trouble.empty()) {
    slot.timer = loop_.after(kProves, [this, &slot] { proven(slot); });
  }
  report_capacity();
}

void StdioHandler::progressed(std::int64_t epoch, queue::Progress progress) {
  events_.progressed(epoch, std::move(progress));
}

void StdioHandler::answered(StdioProcess& process, Ending ending) {
  Slot& slot = slot_of(process);
  scratch_.give_back(std::exchange(slot.scratch, {}));
  if (!slot.trouble.empty()) proven(slot);
  if (worn(slot)) {
    replace(slot);
    report_capacity();  // before its end: nothing is claimed for it any more
  }
  events_.ended(std::move(ending));
}

void StdioHandler::gone(StdioProcess& process, StdioEnd end) {
  Slot& slot = slot_of(process);
  const std::unique_ptr<StdioProcess> last = std::move(slot.process);
  loop_.cancel(std::exchange(slot.timer, 0));
  scratch_.discard(std::exchange(slot.scratch, {}));
  if (closed_) {
    if (end.job) events_.ended(std::move(*end.job));
    return finish_closing();
  }
  if (!end.text.empty()) {
    log::warn("a handler process ended",
              {{"pid", last->pid()}, {"reason", end.reason}, {"error", end.text}});
  }
  if (end.reason != to_string(StopCause::interrupted)) {  // then the worker leaves: no successor
    events_.restarted(end.reason);
    end.broken ? launch_later(slot, std::move(end.text)) : launch(slot);
  }
  report_capacity();
  if (end.job) events_.ended(std::move(*end.job));
}

// Processes that may take a job, and jobs that still run on others.
void StdioHandler::report_capacity() {
  Capacity now;
  for (const Slot& slot : slots_) {
    now.slots += slot.process && (slot.process->idle() || slot.process->has_job());
    if (now.broken.empty()) now.broken = slot.trouble;
  }
  if (now.slots == reported_.slots && now.broken == reported_.broken) return;
  reported_ = now;
  events_.capacity(std::move(now));
}

}  // namespace wp::runner
