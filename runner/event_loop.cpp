#include "runner/event_loop.h"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <system_error>
#include <time.h>

namespace wp::runner {
namespace {

constexpr std::uint64_t kWakeToken = ~0ull;
constexpr std::uint64_t kTimerToken = ~0ull - 1;
constexpr int kMaxWaitMs = 15000;

void drain(int fd) {
  std::uint64_t count = 0;
  (void)!::read(fd, &count, sizeof count);
}

void add(int epoll, int fd, std::uint32_t events, std::uint64_t token) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::system_category(), "epoll_ctl");
  }
}

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::system_category(), what);
  return fd;
}

}  // namespace

Millis boot_now() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Millis{static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000};
}

EventLoop::EventLoop()
    : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      timer_(
          checked(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")) {
  add(epoll_.get(), wake_.get(), EPOLLIN, kWakeToken);
  add(epoll_.get(), timer_.get(), EPOLLIN, kTimerToken);
}

void EventLoop::watch(int fd, std::uint32_t events, Ready ready) {
  const std::uint64_t token = next_token_++;
  add(epoll_.get(), fd, events, token);
  watches_[token] = std::make_shared<Watch>(Watch{fd, std::move(ready)});
  tokens_[fd] = token;
}

void EventLoop::forget(int fd) {
  const auto token = tokens_.find(fd);
  if (token == tokens_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  watches_.erase(token->second);
  tokens_.erase(token);
}

EventLoop::TimerId EventLoop::at(Millis boot_time, Call call) {
  const TimerId id = next_timer_++;
  timers_.emplace(std::pair{boot_time, id}, std::move(call));
  timer_times_[id] = boot_time;
  arm_timer();
  return id;
}

void EventLoop::cancel(TimerId timer) {
  const auto time = timer_times_.find(timer);
  if (time == timer_times_.end()) return;
  timers_.erase({time->second, timer});
  timer_times_.erase(time);
}

// Only ever moved earlier here; a timer that fires for a cancelled call finds nothing to do.
void EventLoop::arm_timer() {
  if (timers_.empty()) return;
  const Millis first = timers_.begin()->first.first;
  if (armed_.count() != 0 && armed_ <= first) return;
  armed_ = first;
  const std::int64_t ms = first.count() > 0 ? first.count() : 1;
  itimerspec spec{};
  spec.it_value.tv_sec = static_cast<time_t>(ms / 1000);
  spec.it_value.tv_nsec = static_cast<long>(ms % 1000 * 1000000);
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void EventLoop::run_timers() {
  armed_ = Millis{0};
  const Millis now = boot_now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    timer_times_.erase(node.key().second);
    node.mapped()();
  }
  arm_timer();
}

void EventLoop::post(Call call) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(call));
  }
  if (!first) return;  // the loop is woken already and takes all of them
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void EventLoop::stop() {
  stop_ = true;
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void EventLoop::run_posted() {
  std::vector<Call> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(posted_);
  }
  for (const Call& call : calls) call();
}

void EventLoop::run(const Call& tick) {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count =
        epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), kMaxWaitMs);
    tick();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kWakeToken) {
        drain(wake_.get());
        run_posted();
      } else if (event.data.u64 == kTimerToken) {
        drain(timer_.get());
        run_timers();
      } else if (const auto it = watches_.find(event.data.u64); it != watches_.end()) {
        const std::shared_ptr<Watch> watch = it->second;  // the callback may forget itself
        watch->ready(event.events);
      }
    }
    if (stop_) {
      run_posted();
      return;
    }
  }
}

}  // namespace wp::runner
