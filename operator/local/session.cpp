#include "operator/local/session.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>

#include <nlohmann/json.hpp>

#include "operator/pool/event_reasons.h"

namespace wp::local {
namespace {

constexpr Millis kStatusInterval{500};
constexpr std::streamoff kLogTail = 4096;

// The decision's own line says it already, with the arithmetic.
bool is_about_size(std::string_view reason) {
  using namespace pool::event;
  return reason == kScaledUp || reason == kScaledDown || reason == kScaledToZero ||
         reason == kWokeFromZero;
}

}  // namespace

Session::Session(Options options)
    : options_(std::move(options)),
      key_(options_.pool.key()),
      started_(system_clock().steady()),
      floor_(options_.pool.spec.replicas.value_or(options_.pool.spec.scaling.min_replicas)) {
  auto stored = std::make_shared<controller::StoredPool>();
  stored->parsed.pool = options_.pool;
  stored_ = std::move(stored);

  workload::LocalWorkload::Options workers;
  workers.runner = options_.runner;
  workers.endpoint = options_.endpoint;
  workers.directory = options_.directory;
  workers.log_folder = options_.log_folder;
  workers.registered = [this](const std::string& uid) {
    const auto latest = controller_->backlog().latest(key_);
    if (!latest || !latest->counts) return false;
    return std::any_of(
        latest->counts->workers.begin(), latest->counts->workers.end(),
        [&](const queue::WorkerCounts& one) { return one.worker.starts_with(uid + "/"); });
  };
  workers.on_change = [this](const std::string& key) {
    controller_->enqueue(key);
    options_.bell->ring();
  };
  workers.on_end = [this](const workload::WorkerEnd& end) { note_end(end); };
  workload_ = std::make_unique<workload::LocalWorkload>(std::move(workers));

  controller::Controller::Options control;
  control.pools = [this](const std::string& key) { return look_up(key); };
  control.endpoint = [this](const pool::Pool&, bool) { return options_.endpoint; };
  control.write_status = [this](const pool::Pool&, const pool::Status& status) {
    take_status(status);
  };
  control.write_event = [this](const pool::Pool&, const controller::EventNote& event) {
    tell_event(event);
  };
  control.workload = workload_.get();
  control.metrics = options_.metrics;
  control.term = options_.term;
  control.threads = 1;
  control.status_interval = kStatusInterval;
  controller_ = std::make_unique<controller::Controller>(std::move(control));
}

Session::~Session() {
  controller_->stop();
}

void Session::start() {
  controller_->start();
  controller_->enqueue(key_);
}

void Session::drain() {
  controller_->stop();
  workload_->drain();
}

Picture Session::look() {
  const auto latest = controller_->backlog().latest(key_);
  const workload::View view = workload_->observe(options_.pool);
  const std::lock_guard lock(mutex_);
  picture_ = Picture{};
  picture_.since_start = since_start();
  picture_.max = options_.pool.spec.scaling.max_replicas;
  for (const workload::WorkerPod& pod : view.pods) {
    ++(pod.terminating ? picture_.leaving : pod.ready ? picture_.ready : picture_.starting);
  }
  seen_.peak_workers = std::max(seen_.peak_workers, view.existing());

  counts_ = latest && !latest->error ? latest->counts : std::nullopt;
  if (counts_) {
    picture_.waiting = counts_->waiting + counts_->due;
    picture_.delayed = counts_->delayed - counts_->due;
    picture_.active = counts_->active;
    picture_.completed = growth(options_.before, *counts_, "completed");
    picture_.dead = growth(options_.before, *counts_, "dead");
    const bool busy = counts_->waiting + counts_->delayed + counts_->active > 0;
    const bool new_jobs = growth(options_.before, *counts_, "enqueued") > 0;
    if ((busy || new_jobs) && !first_job_) first_job_ = picture_.since_start;
    if (busy) last_busy_ = picture_.since_start;
  }
  return picture_;
}

bool Session::looks_over() const {
  const std::lock_guard lock(mutex_);
  if (!counts_ || !first_job_) return false;
  if (counts_->waiting + counts_->delayed + counts_->active > 0) return false;
  const int existing = picture_.ready + picture_.starting + picture_.leaving;
  return floor_ > 0 || existing == 0;
}

bool Session::at_rest() const {
  const std::lock_guard lock(mutex_);
  const int moving = picture_.starting + picture_.leaving;
  return counts_ && counts_->waiting + counts_->active == 0 && moving == 0 &&
         picture_.ready <= floor_;
}

Seen Session::seen() const {
  const std::lock_guard lock(mutex_);
  Seen seen = seen_;
  if (first_job_) seen.busy_for = std::max(Millis{0}, last_busy_ - *first_job_);
  return seen;
}

std::shared_ptr<const controller::StoredPool> Session::look_up(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return key == key_ ? stored_ : nullptr;
}

void Session::leave_status(const nlohmann::json& status) const {
  if (options_.status_file == nullptr) return;
  std::vector<std::string> leaving;
  for (const workload::WorkerPod& pod : workload_->observe(options_.pool).pods) {
    if (pod.marked || pod.terminating) leaving.push_back(pod.name);
  }
  options_.status_file->write(status, leaving);
}

void Session::take_status(const pool::Status& after) {
  const nlohmann::json status = pool::to_json(after);
  leave_status(status);
  int from = 0;
  {
    const std::lock_guard lock(mutex_);
    auto stored = std::make_shared<controller::StoredPool>(*stored_);
    stored->status = after;
    stored_ = std::move(stored);
    seen_.scale_operations = after.scale_operations;
    from = decided_;
    if (after.decision) decided_ = after.decision->replicas;
    if (decided_ != from) seen_.sizes.push_back(decided_);
  }
  if (after.decision && after.decision->replicas != from) {
    say(decision_line(since_start(), from, after.decision->replicas, after.decision->reason,
                      options_.display->style()));
  }
  options_.bell->ring();
}

void Session::tell_event(const controller::EventNote& event) {
  if (!is_about_size(event.reason)) {
    say(note_line(since_start(), event.warning, fmt::format("{}: {}", event.reason, event.note),
                  options_.display->style()));
  }
  options_.bell->ring();
}

void Session::note_end(const workload::WorkerEnd& end) {
  const auto executed = executed_by_log(end.log);
  {
    const std::lock_guard lock(mutex_);
    if (executed) seen_.executions[end.name] += *executed;
    if (!end.expected) ++seen_.unexpected_ends;
  }
  if (!end.expected) {
    const std::string where = end.log.empty() ? "" : " (its log: " + end.log + ")";
    say(note_line(since_start(), true,
                  fmt::format("{} ended with {}; it starts again{}", end.name, end.how, where),
                  options_.display->style()));
  }
  options_.bell->ring();
}

Millis Session::since_start() const {
  return system_clock().steady() - started_;
}

void Session::say(const std::string& line) const {
  options_.display->say(line);
}

std::optional<std::int64_t> executed_by_log(const std::string& log_file) {
  std::ifstream in(log_file, std::ios::binary);
  if (!in) return std::nullopt;
  in.seekg(0, std::ios::end);
  in.seekg(std::max<std::streamoff>(0, in.tellg() - kLogTail));
  std::string last;
  for (std::string line; std::getline(in, line);) last = line;
  const nlohmann::json words = nlohmann::json::parse(last, nullptr, false);
  if (!words.is_object() || words.value("msg", "") != "left") return std::nullopt;
  const auto executed = words.find("executed");
  if (executed == words.end() || !executed->is_number_integer()) return std::nullopt;
  return executed->get<std::int64_t>();
}

}  // namespace wp::local
