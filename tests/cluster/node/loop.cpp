#include "tests/cluster/node/loop.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace wp::testnode {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::system_category(), what);
  return result;
}

void drain(int fd) {
  std::uint64_t count = 0;
  (void)!read(fd, &count, sizeof count);
}

}  // namespace

Loop::Loop()
    : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll")),
      wake_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      timer_(checked(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd")) {
  watch(wake_.get(), [this] { drain(wake_.get()); });
  watch(timer_.get(), [this] { drain(timer_.get()); });
}

void Loop::watch(int fd, Call ready) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  checked(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll");
  watches_[fd] = std::move(ready);
}

void Loop::forget(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  watches_.erase(fd);
}

void Loop::post(Call call) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(call));
  const std::uint64_t one = 1;
  (void)!write(wake_.get(), &one, sizeof one);
}

void Loop::stop() {
  post([this] { stop_ = true; });
}

void Loop::run(const std::function<std::optional<Millis>()>& settle) {
  while (!stop_) {
    wait(settle());
    std::vector<Call> calls;
    {
      const std::lock_guard lock(mutex_);
      calls = std::exchange(posted_, {});
    }
    for (const Call& call : calls) call();
  }
}

void Loop::wait(std::optional<Millis> deadline) {
  itimerspec when{};  // all zero: no alarm
  if (deadline) {
    // A time of zero would mean none.
    const std::int64_t ms = std::max<std::int64_t>(1, deadline->count());
    when.it_value.tv_sec = ms / 1000;
    when.it_value.tv_nsec = ms % 1000 * 1000000;
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);

  epoll_event events[64];
  const int count = epoll_wait(epoll_.get(), events, 64, -1);
  for (int i = 0; i < count; ++i) {
    const auto found = watches_.find(events[i].data.fd);
    if (found == watches_.end()) continue;  // forgotten in this round
    const Call ready = found->second;
    ready();
  }
}

}  // namespace wp::testnode
