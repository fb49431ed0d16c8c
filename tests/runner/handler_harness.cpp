#include "tests/runner/handler_harness.h"

#include <chrono>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <stdlib.h>
#include <thread>

#include "runner/process/reaper.h"

namespace wp::test {

using runner::Capacity;
using runner::Ending;

void HandlerRecorder::ended(Ending ending) {
  const std::lock_guard lock(mutex_);
  CHECK_MESSAGE(!endings_.contains(ending.epoch), "a job ended twice: ", ending.epoch);
  endings_[ending.epoch] = std::move(ending);
  changed_.notify_all();
}

void HandlerRecorder::progressed(std::int64_t, queue::Progress progress) {
  const std::lock_guard lock(mutex_);
  progress_.push_back(std::move(progress));
  changed_.notify_all();
}

void HandlerRecorder::capacity(Capacity capacity) {
  const std::lock_guard lock(mutex_);
  capacity_ = std::move(capacity);
  changed_.notify_all();
}

void HandlerRecorder::restarted(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  restarts_.emplace_back(reason);
  changed_.notify_all();
}

template <typename Said>
void HandlerRecorder::wait_for(std::unique_lock<std::mutex>& lock, Said said) {
  REQUIRE(changed_.wait_for(lock, std::chrono::seconds(60), said));
}

Ending HandlerRecorder::wait(std::int64_t epoch) {
  std::unique_lock lock(mutex_);
  wait_for(lock, [&] { return endings_.contains(epoch); });
  return endings_.at(epoch);
}

bool HandlerRecorder::has_ended(std::int64_t epoch) {
  const std::lock_guard lock(mutex_);
  return endings_.contains(epoch);
}

queue::Progress HandlerRecorder::wait_progress() {
  std::unique_lock lock(mutex_);
  wait_for(lock, [&] { return !progress_.empty(); });
  return progress_.front();
}

Capacity HandlerRecorder::wait_capacity(const std::function<bool(const Capacity&)>& wanted) {
  std::unique_lock lock(mutex_);
  wait_for(lock, [&] { return wanted(capacity_); });
  return capacity_;
}

std::vector<std::string> HandlerRecorder::wait_restarts(std::size_t count) {
  std::unique_lock lock(mutex_);
  wait_for(lock, [&] { return restarts_.size() >= count; });
  return restarts_;
}

HandlerHarness::HandlerHarness() {
  runner::block_child_signal();
  signal(SIGPIPE, SIG_IGN);
  std::string pattern = std::filesystem::temp_directory_path() / "wp-handler.XXXXXX";
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
}

HandlerHarness::~HandlerHarness() {
  loop_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void HandlerHarness::open(const runner::HandlerLoop::MakeHandler& make) {
  loop_ = std::make_unique<runner::HandlerLoop>(make, said);
  loop_->leases_hold_until(runner::boot_now() + Millis{600000}, Millis{0});
}

void HandlerHarness::start(runner::Task task) {
  std::vector<runner::Task> tasks;
  tasks.push_back(std::move(task));
  loop_->start(std::move(tasks));
}

void HandlerHarness::start(std::int64_t epoch, std::string payload, Millis timeout) {
  runner::Task task;
  task.job.id = "job";
  task.job.epoch = epoch;
  task.job.type = "t";
  task.job.payload = std::move(payload);
  task.timeout = timeout;
  start(std::move(task));
}

Ending HandlerHarness::run(std::string payload) {
  start(1, std::move(payload));
  return said.wait(1);
}

std::string HandlerHarness::file(const std::string& name) const {
  const std::string path = folder_ + "/" + name;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    std::ifstream in(path);
    std::string word;
    if (in >> word) return word;
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < end, path, " is not there");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace wp::test
