#include "operator/kube/watchdog.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace wp::kube {

bool Watchdog::Line::usable() const {
  if (!guard_ || cut_ != Transport::none) return false;
  pollfd state{guard_.get(), POLLIN | POLLRDHUP, 0};
  return ::poll(&state, 1, 0) == 0;
}

bool Watchdog::begin(Line& line, SteadyTime deadline) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return false;
  active_.insert(&line);
  line.deadline_ = deadline;
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  look_again();
  return true;
}

void Watchdog::extend(Line& line, SteadyTime deadline) {
  const std::lock_guard lock(mutex_);
  if (line.cut_ != Transport::none) return;
  // A later deadline needs no wake-up: the thread looks again when the old one comes.
  const bool earlier = !line.deadline_ || deadline < *line.deadline_;
  line.deadline_ = deadline;
  if (earlier) look_again();
}

void Watchdog::attach(Line& line, int fd) {
  UniqueFd guard(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  const std::lock_guard lock(mutex_);
  if (line.cut_ == Transport::none) {
    line.guard_ = std::move(guard);
    return;
  }
  // The number stays valid for its owner, but is no socket any more.
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (null) ::dup3(null.get(), fd, O_CLOEXEC);
}

Transport Watchdog::end(Line& line) {
  const std::lock_guard lock(mutex_);
  active_.erase(&line);
  line.deadline_.reset();
  return line.cut_;
}

bool Watchdog::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

void Watchdog::stop() {
  std::jthread joined;  // without the lock
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (Line* line : active_) cut_off(*line, Transport::stopped);
  joined = std::move(thread_);
}

void Watchdog::cut_off(Line& line, Transport why) {
  if (line.cut_ != Transport::none) return;
  line.cut_ = why;
  line.deadline_.reset();
  if (line.guard_) ::shutdown(line.guard_.get(), SHUT_RDWR);
}

void Watchdog::look_again() {
  ++changes_;
  wake_.notify_all();
}

void Watchdog::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    std::optional<SteadyTime> next;
    const SteadyTime now = std::chrono::steady_clock::now();
    for (Line* line : active_) {
      if (line->deadline_ && *line->deadline_ <= now) cut_off(*line, Transport::timeout);
      if (line->deadline_ && (!next || *line->deadline_ < *next)) next = line->deadline_;
    }
    const auto changed = [this, seen = changes_] { return changes_ != seen; };
    if (next) {
      wake_.wait_until(lock, stop, *next, changed);
    } else {
      wake_.wait(lock, stop, changed);
    }
  }
}

}  // namespace wp::kube
