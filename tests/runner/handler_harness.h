// One handler on a real HandlerLoop, without Redis: what it says is recorded, jobs are numbered by
// the test, and a folder holds what its programs leave.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runner/handler_loop.h"

namespace wp::test {

/// What a handler said. The waits fail the test after 60 s.
class HandlerRecorder : public runner::HandlerEvents {
 public:
  void ended(runner::Ending ending) override;
  void progressed(std::int64_t epoch, queue::Progress progress) override;
  void capacity(runner::Capacity capacity) override;
  void restarted(std::string_view reason) override;

  runner::Ending wait(std::int64_t epoch);
  bool has_ended(std::int64_t epoch);
  /// The first of all.
  queue::Progress wait_progress();
  /// Until the newest is as asked for.
  runner::Capacity wait_capacity(const std::function<bool(const runner::Capacity&)>& wanted);
  /// Until so many were said in all.
  std::vector<std::string> wait_restarts(std::size_t count);

 private:
  template <typename Said>
  void wait_for(std::unique_lock<std::mutex>& lock, Said said);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, runner::Ending> endings_;
  std::vector<queue::Progress> progress_;
  runner::Capacity capacity_;
  std::vector<std::string> restarts_;
};

class HandlerHarness {
 public:
  HandlerHarness();
  ~HandlerHarness();
  HandlerHarness(const HandlerHarness&) = delete;
  HandlerHarness& operator=(const HandlerHarness&) = delete;

  /// Once; `make` is called on the loop's thread.
  void open(const runner::HandlerLoop::MakeHandler& make);
  runner::HandlerLoop& loop() { return *loop_; }
  void close_loop() { loop_.reset(); }

  void start(runner::Task task);
  /// A job with this payload; its id is "job".
  void start(std::int64_t epoch, std::string payload = "", Millis timeout = Millis{0});
  runner::Ending run(std::string payload = "");

  /// Waits until a file of that name is there and answers its first word.
  std::string file(const std::string& name) const;
  const std::string& folder() const { return folder_; }

  HandlerRecorder said;

 private:
  std::string folder_;
  std::unique_ptr<runner::HandlerLoop> loop_;
};

}  // namespace wp::test
