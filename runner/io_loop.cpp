#include "runner/io_loop.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "queue/redis/advice.h"

namespace wp::runner {
namespace {

constexpr Millis kLongestWait{15000};
constexpr Millis kErrorAgain{30000};  // an unchanged error is said again after this
constexpr Millis kInfoAgain{60000};   // uptime and memory are told at least this often
constexpr Millis kSecondSignalGrace{1000};
constexpr Millis kFarewell{3000};  // for the last words when Redis is slow or away
constexpr Millis kForever{1ll << 60};

redis::Timeouts timeouts_for(Millis lease) {
  // A beat that is lost in silence and a reconnect fit between two beats and the end of the lease.
  return {.connect = std::clamp(lease / 8, Millis{250}, Millis{3000}),
          .reply = std::clamp(lease / 4, Millis{500}, Millis{5000})};
}

}  // namespace

IoLoop::IoLoop(IoSettings settings, Mailbox& mailbox, HandlerLoop& handlers, WakeLoop& wake,
               RunnerMetrics& metrics)
    : settings_(std::move(settings)),
      mailbox_(mailbox),
      handlers_(handlers),
      wake_(wake),
      metrics_(metrics),
      reconnect_({.initial = Millis{100}, .max = Millis{3000}}),
      state_(settings_.identity.slots),
      started_(boot_now()) {
  metrics_.slots(0, settings_.identity.slots);
}

int IoLoop::run() {
  for (;;) {
    pulse_.beat();
    absorb(mailbox_.take(time_to_wait()));
    advance_termination();
    if (should_leave()) break;
    if (!registered_ && boot_now() >= reconnect_at_) try_connect();
    if (registered_) exchange();
    metrics_.slots(state_.busy_slots(), state_.slots());
    metrics_.broken(state_.broken());
    metrics_.handler_memory(handlers_.memory());
    wake_.arm(registered_ && state_.wants_token(boot_now()));
    if (should_leave()) break;
  }
  wake_.arm(false);
  leave();
  return exit_code_;
}

// A server that was away may have forgotten everything: each connection begins with a registration,
// and with a full beat, which gives back what we were handed without hearing of it.
void IoLoop::try_connect() {
  try {
    queue_.reset();
    connection_ =
        std::make_unique<redis::Connection>(settings_.endpoint, timeouts_for(job_settings_.lease));
    connection_->connect();
    queue_ = std::make_unique<queue::Queue>(*connection_, settings_.queue);
    const queue::RegisterResult result = queue_->register_worker(
        settings_.identity.worker, info_if_changed(true), standalone_config());
    apply(result.config);
    beat(true);
  } catch (const queue::FormatError& e) {
    log::error("the queue was written by a newer version", {{"error", e.what()}});
    exit_code_ = 3;
    state_.drain();
    give_up_at_ = boot_now();
    return;
  } catch (const redis::Error& e) {
    return disconnected(e);
  }
  log::info(ever_registered_ ? "registered again" : "registered",
            {{"worker", settings_.identity.worker},
             {"queue", settings_.queue},
             {"redis", connection_->endpoint().describe()},
             {"lease_ms", job_settings_.lease.count()},
             {"timeout_ms", job_settings_.timeout.count()},
             {"drain_timeout_ms", job_settings_.drain_timeout.count()},
             {"on_partition", job_settings_.kill_on_partition ? "kill" : "continue"},
             {"config_owner", config_.owner}});
  registered_ = true;
  ever_registered_ = true;
  become_ready();
  reconnect_.reset();
  last_error_.clear();
  metrics_.redis_connected(true);
  state_.connected();
}

// Once and for good: a pod that is not ready goes before one that may go. One that cannot run its
// program at all holds no job, and a rollout that brings such pods is to keep those that work.
void IoLoop::become_ready() {
  if (!ever_registered_ || signals_ > 0) return;
  if (settings_.runs_program && runs_nothing_) return;
  ready_ = true;
}

void IoLoop::disconnected(const redis::Error& error) {
  registered_ = false;
  if (connection_) connection_->close();
  state_.connection_lost();
  // Redis, back from a gap, reaps nothing for one lease: until then we are there again.
  const Millis wait = std::min(reconnect_.next(random_u64()), job_settings_.lease / 4);
  const Millis now = boot_now();
  reconnect_at_ = now + wait;
  metrics_.redis_connected(false);
  const std::string_view error_class = redis::to_string(error.error_class());
  metrics_.redis_error(error_class);
  if (last_error_ == error.what() && now - error_said_ < kErrorAgain) return;
  last_error_ = error.what();
  error_said_ = now;
  log::warn("no exchange with redis", {{"class", error_class},
                                       {"error", error.what()},
                                       {"redis", settings_.endpoint.describe()},
                                       {"advice", redis::next_step(error.error_class())},
                                       {"next", "trying again; results wait, running jobs go on"},
                                       {"retry_ms", wait.count()}});
}

void IoLoop::apply(const queue::Config& config) {
  config_ = config;
  job_settings_ = job_settings(config, settings_.own);
  handlers_.limit(job_settings_.limits);
  try {
    handlers_.check(Schema::parse(config.text("schema", "")));
  } catch (const SchemaError& e) {
    // Of a newer operator: what it would refuse is the handlers' business until this worker is
    // replaced. To refuse everything would bury a backlog.
    handlers_.check({});
    log::error("the pool's schema is not understood: payloads are not checked",
               {{"error", e.what()}});
  }
  // Not only for the next connection: on this one, made before the lease was known, a lost beat
  // would be waited for until the lease is over.
  const redis::Timeouts timeouts = timeouts_for(job_settings_.lease);
  if (connection_) connection_->set_patience(timeouts.connect, timeouts.reply);
}

void IoLoop::exchange() {
  try {
    for (;;) {
      pulse_.beat();
      if (boot_now() >= beat_at_) beat(false);
      if (state_.config_hash() != config_.hash) {
        queue::Config config = queue_->read_config();
        if (!config.present) {
          // Someone emptied Redis: start as on a new connection.
          throw redis::Error(redis::ErrorClass::closed, "the queue's configuration is gone");
        }
        log::info("the queue's configuration changed", {{"hash", config.hash}});
        const bool raced = config.hash != state_.config_hash();
        apply(config);
        beat_at_ = std::min(beat_at_, boot_now() + job_settings_.beat_interval());
        if (raced) beat(false);
      }
      if (const auto plan = state_.next_release()) {
        release(*plan);
      } else if (const auto next = state_.next_step(boot_now())) {
        step(*next);
      } else {
        return;
      }
      absorb(mailbox_.take(Millis{0}));
      advance_termination();
    }
  } catch (const redis::Error& e) {
    disconnected(e);
  }
}

void IoLoop::beat(bool full) {
  const BeatPlan plan = state_.beat();
  std::vector<queue::Progress> progress;
  for (auto& [epoch, item] : progress_) progress.push_back(std::move(item));
  progress_.clear();
  const Millis sent = boot_now();
  const queue::BeatResult result =
      queue_->beat(settings_.identity.worker, plan.claims, progress, info_if_changed(false), full);
  const Millis now = boot_now();
  metrics_.round_trip(now - sent);
  beat_at_ = sent + job_settings_.beat_interval();
  // Counted from the sending: the lease began no earlier.
  const bool kill = job_settings_.kill_on_partition;
  handlers_.leases_hold_until(kill ? sent + job_settings_.partition_after() : kForever,
                              job_settings_.partition_grace());
  stop_handlers(state_.beat_answered(result, now));
}

void IoLoop::stop_handlers(const Stops& stops) {
  if (!stops.lost.empty()) {
    log::warn("jobs were taken from this worker while they ran", {{"jobs", stops.lost.size()}});
    metrics_.leases_lost(static_cast<int>(stops.lost.size()));
    // Another worker may have begun: no time for politeness.
    handlers_.stop(stops.lost, {StopCause::lost, Millis{0}, {}});
  }
  handlers_.stop(stops.cancelled, {StopCause::cancelled, kStopGrace, {}});
  metrics_.stale_settlements(0, stops.unknown);
}

void IoLoop::release(const ReleasePlan& plan) {
  (void)queue_->release(settings_.identity.worker, plan.claims, plan.kind, false);
  state_.release_answered(plan);
}

void IoLoop::step(const StepPlan& plan) {
  const Millis sent = boot_now();
  const queue::StepResult result =
      queue_->step(settings_.identity.worker, plan.settlements, plan.want);
  const Millis now = boot_now();
  metrics_.round_trip(now - sent);
  // A stop signal that came meanwhile: what was claimed goes back unstarted.
  absorb(mailbox_.take(Millis{0}));
  advance_termination();
  StepOutcome outcome = state_.step_answered(plan, result, now);
  metrics_.stale_settlements(outcome.stale, outcome.unknown);
  if (outcome.stale > 0) {
    log::warn("the queue refused ends of jobs: they were taken from this worker before",
              {{"jobs", outcome.stale}});
  }
  metrics_.sessions(outcome.conflicts, outcome.session_failures);
  handlers_.stop(std::move(outcome.cancelled), {StopCause::cancelled, kStopGrace, {}});
  start(std::move(outcome.start));
}

void IoLoop::start(std::vector<queue::ClaimedJob> jobs) {
  std::vector<Task> tasks;
  tasks.reserve(jobs.size());
  for (queue::ClaimedJob& job : jobs) {
    metrics_.picked_up(job.waited);
    const Millis timeout = job_settings_.timeout_of(job);
    tasks.push_back({std::move(job), job_settings_.max_attempts, timeout});
  }
  handlers_.start(std::move(tasks));
}

void IoLoop::absorb(Inbox inbox) {
  signals_ = std::max(signals_, inbox.signals);
  for (const Ending& ending : inbox.endings) account(ending);
  for (auto& [epoch, item] : inbox.progress) progress_[epoch] = std::move(item);
  for (const Ending& ending : inbox.endings) progress_.erase(ending.epoch);
  if (inbox.capacity) see_capacity(*inbox.capacity);
  for (const std::string& reason : inbox.restarts) metrics_.handler_restarted(reason);
  if (inbox.token) state_.token_taken();
}

void IoLoop::see_capacity(const Capacity& capacity) {
  state_.capacity(capacity);
  runs_nothing_ = capacity.slots == 0 && !capacity.broken.empty();
  become_ready();
  if (capacity.broken == handler_trouble_) return;
  handler_trouble_ = capacity.broken;
  if (handler_trouble_.empty()) {
    log::info("the handler runs again", {{"slots", capacity.slots}});
  } else {
    log::error("the handler cannot run", {{"error", handler_trouble_}, {"slots", capacity.slots}});
  }
}

void IoLoop::account(const Ending& ending) {
  const auto counted = state_.ended(ending, boot_now(), random_u64());
  if (!counted) return;
  metrics_.job_ended(*counted);
  switch (ending.verdict) {
    case Verdict::complete:
      ++executed_;
      log::debug("a job completed", {{"job", counted->id},
                                     {"type", counted->type},
                                     {"duration_ms", counted->duration.count()}});
      return;
    case Verdict::defer:
      return;
    case Verdict::broken:
      job_trouble_ = ending.text;
      log::error("the handler cannot run: its jobs go back, claims pause",
                 {{"job", counted->id}, {"error", ending.text}, {"type", counted->type}});
      return;
    case Verdict::unstarted:
    case Verdict::interrupted:
      log::warn("a job was interrupted and goes back", {{"job", counted->id},
                                                        {"epoch", ending.epoch},
                                                        {"cause", ending.text},
                                                        {"type", counted->type}});
      return;
    default:
      ++executed_;
      ++failed_;
      log::warn("a job did not complete", {{"job", counted->id},
                                           {"epoch", ending.epoch},
                                           {"type", counted->type},
                                           {"result", counted->result},
                                           {"error", ending.text}});
  }
}

Activity IoLoop::activity() const {
  Activity now;
  const Millis to_wall = system_clock().wall() - boot_now();
  for (const WorkerState::Shown& job : state_.shown(kMaxShownJobs)) {
    now.running.push_back({job.id, job.started + to_wall});
  }
  now.executed = executed_;
  now.failed = failed_;
  now.broken = state_.broken();
  if (now.broken) now.trouble = !handler_trouble_.empty() ? handler_trouble_ : job_trouble_;
  now.retired = state_.retired();
  now.draining = state_.draining();
  now.stalled = handlers_.stuck();
  now.handler_memory = handlers_.memory();
  now.handler_memory_peak = handlers_.memory_peak();
  now.quota = job_settings_.limits.max_jobs;
  return now;
}

std::string IoLoop::info_if_changed(bool always) {
  Activity now = activity();
  const Millis time = boot_now();
  if (!always && now.same_as(told_) && time - told_at_ < kInfoAgain) return {};
  told_ = std::move(now);
  told_at_ = time;
  return worker_info(settings_.identity, told_, time - started_, footprint());
}

// First signal: claim nothing, finish. When the time for that is over, or at the second signal:
// stop the handlers and give their jobs back. Then leave, in bounded time also without Redis.
void IoLoop::advance_termination() {
  if (signals_ == 0) return;
  const Millis now = boot_now();
  if (!drain_until_) {
    ready_ = false;
    state_.drain();
    drain_until_ = now + job_settings_.drain_timeout;
    log::info("stopping: no more claims, running jobs finish",
              {{"running", state_.running_count()},
               {"drain_timeout_ms", job_settings_.drain_timeout.count()}});
  }
  if (state_.leaves_after_reconnect() && !give_up_at_) give_up_at_ = now + kFarewell;
  const int level = signals_ > 1 ? 2 : now >= *drain_until_ ? 1 : 0;
  if (level <= stop_level_) return;
  stop_level_ = level;
  const Millis grace = level == 2 ? kSecondSignalGrace : kStopGrace;
  give_up_at_ = now + grace + kFarewell;
  log::warn(level == 2 ? "second signal: running jobs are stopped and given back"
                       : "the drain time is over: running jobs are stopped and given back",
            {{"running", state_.running_count()}});
  handlers_.stop(state_.running(), {StopCause::interrupted, grace, {}});
}

bool IoLoop::should_leave() const {
  return state_.may_leave() || (give_up_at_ && boot_now() >= *give_up_at_);
}

void IoLoop::leave() {
  ready_ = false;
  if (!state_.may_leave()) {
    // Their leases lapse, and another worker runs them again: nothing is lost, only later.
    log::error("left with jobs that the queue was not told about",
               {{"running", state_.running_count()}, {"untold", state_.unsettled_count()}});
  }
  if (registered_) {
    try {
      (void)queue_->release(settings_.identity.worker, {}, queue::ReleaseKind::unstarted, true);
    } catch (const redis::Error& e) {
      log::warn("could not deregister", {{"error", e.what()}});
    }
  }
  log::info("left", {{"executed", executed_},
                     {"failed", failed_},
                     {"uptime_s", (boot_now() - started_).count() / 1000}});
}

Millis IoLoop::time_to_wait() const {
  const Millis now = boot_now();
  Millis until = now + kLongestWait;
  if (registered_) {
    until = std::min(until, beat_at_);
    if (const auto wake = state_.wake_at(now)) until = std::min(until, *wake);
  } else {
    until = std::min(until, reconnect_at_);
  }
  if (drain_until_ && stop_level_ == 0) until = std::min(until, *drain_until_);
  if (give_up_at_) until = std::min(until, *give_up_at_);
  return std::max(Millis{0}, until - now);
}

}  // namespace wp::runner
