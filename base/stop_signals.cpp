#include "base/stop_signals.h"

#include <csignal>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

namespace wp {

StopSignals::StopSignals(std::function<void(int count)> handler) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC));
  quit_.reset(eventfd(0, EFD_CLOEXEC));
  thread_ = std::thread([this, handler = std::move(handler)] {
    pollfd fds[] = {{signals_.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}};
    for (int count = 0;;) {
      if (poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents != 0) return;
      signalfd_siginfo info{};
      if (read(signals_.get(), &info, sizeof info) == sizeof info) handler(++count);
    }
  });
}

StopSignals::~StopSignals() {
  const std::uint64_t one = 1;
  (void)!write(quit_.get(), &one, sizeof one);
  thread_.join();
}

void ignore_sigpipe() {
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace wp
