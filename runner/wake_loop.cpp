#include "runner/wake_loop.h"

#include "base/log.h"
#include "queue/redis/error.h"

namespace wp::runner {
namespace {

constexpr Millis kBlock{30000};
constexpr Millis kWatchdog{1000};  // beyond kBlock: then the connection is taken for dead
constexpr Millis kAfterError{500};

}  // namespace

WakeLoop::WakeLoop(redis::Endpoint endpoint, std::string wake_key, Mailbox& mailbox)
    : wake_key_(std::move(wake_key)),
      mailbox_(mailbox),
      connection_(std::move(endpoint)),
      thread_([this] { run(); }) {}

WakeLoop::~WakeLoop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    armed_ = false;
  }
  changed_.notify_one();
  connection_.interrupt();
  thread_.join();
}

void WakeLoop::arm(bool armed) {
  const std::lock_guard lock(mutex_);
  if (armed_ == armed) return;
  armed_ = armed;
  if (armed) {
    changed_.notify_one();
  } else if (blocking_) {
    interrupted_ = true;
    connection_.interrupt();
  }
}

void WakeLoop::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      pulse_.beat();
      changed_.wait_for(lock, kBlock, [this] { return armed_ || stop_; });
      if (stop_) return;
      if (!armed_) continue;
      blocking_ = true;
      asked_ = interrupted_ = false;
      connection_.clear_interrupt();  // one that came too late for the wait it was meant for
    }
    bool token = false;
    bool failed = false;
    try {
      token = wait_for_token();
    } catch (const redis::Error& e) {
      log::debug("waiting for work was cut off", {{"error", e.what()}});
      failed = true;
      connection_.close();
    }
    bool interrupted = false;
    {
      const std::lock_guard lock(mutex_);
      blocking_ = false;
      interrupted = interrupted_;
      if (token) armed_ = false;  // until the STEP that follows has been answered
    }
    if (failed && asked_) reconnect();
    // Whoever cut the wait off: a token may have been on its way to us, and only a STEP puts it
    // back.
    if (token || (failed && asked_)) mailbox_.token();
    if (failed && !interrupted) pause();
  }
}

// Until Redis has seen the end of a connection that was cut, it may still hand a token to it. The
// first answer on a new one comes after that: a STEP that follows finds what the token stood for.
void WakeLoop::reconnect() {
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return;
    connection_.clear_interrupt();
  }
  try {
    connection_.connect();
    (void)connection_.execute({"PING"});
  } catch (const redis::Error& e) {
    log::debug("waiting for work: no new connection yet", {{"error", e.what()}});
    connection_.close();
  }
}

bool WakeLoop::wait_for_token() {
  pulse_.beat();
  if (!connection_.connected()) connection_.connect();
  asked_ = true;
  const redis::Reply reply = connection_.execute(
      {"BLPOP", wake_key_, std::to_string(kBlock.count() / 1000)}, kBlock + kWatchdog);
  return !reply.is_nil();
}

// The I/O thread says what is wrong with Redis; here it is enough not to spin.
void WakeLoop::pause() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kAfterError, [this] { return stop_; });
}

}  // namespace wp::runner
