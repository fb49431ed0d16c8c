#include "runner/process/reaper.h"

#include <cerrno>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "runner/process/process_tree.h"

namespace wp::runner {

void block_child_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void become_subreaper() {
  if (getpid() != 1) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

Reaper::Reaper(EventLoop& loop) : loop_(loop) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw std::system_error(errno, std::system_category(), "signalfd");
  loop_.watch(signals_.get(), EPOLLIN, [this](std::uint32_t) {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    }
    collect();
  });
}

Reaper::~Reaper() {
  loop_.forget(signals_.get());
  end_sessions();  // the loop has ended before
}

void Reaper::end_session(pid_t leader, std::string marker) {
  if (to_end_.empty()) loop_.post([this] { end_sessions(); });
  to_end_[leader] = std::move(marker);
}

void Reaper::end_sessions() {
  if (!to_end_.empty()) kill_sessions(std::exchange(to_end_, {}));
}

// Several ends may share one signal: collects until there is none left.
void Reaper::collect() {
  for (;;) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const pid_t pid = info.si_pid;
    Ended ended;
    if (auto node = children_.extract(pid)) ended = std::move(node.mapped());
    if (ended) ended({info.si_code != CLD_EXITED, info.si_status});
    siginfo_t gone{};
    (void)waitid(P_PID, static_cast<id_t>(pid), &gone, WEXITED | WNOHANG);
  }
}

}  // namespace wp::runner
