// Preloaded into a program (LD_PRELOAD) so that a test can strike it at a chosen point of its life:
// before, within or after a call of libc that it makes there. fault_plan.h says what to strike and
// when; this side only looks at the calls, sends the process its signals, notes each hit in the
// marker file and, where told, holds the calling thread until the test lets it go. Thread-safe.
//
// The plan is taken out of the environment at once, as is LD_PRELOAD: what the program starts does
// not inherit them. Under ASan and TSan their runtimes come first and call on to here, so nothing
// that they watch is hidden from them. No C++ library, and nothing allocates once main() runs.
#include <atomic>
#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int kMaxShots = 8;
constexpr int kMaxWords = 4;
constexpr int kMaxSignals = 4;
constexpr std::size_t kMaxText = 8192;
constexpr int kPatience = 5000;  // ms for the program to take a signal in

struct Shot {
  const char* call = "";
  const char* place = "";
  int nth = 1;
  bool hold = false;
  int signals[kMaxSignals] = {};
  const char* words[kMaxWords] = {};  // all of them are in the bytes that are moved
};

char plan_text[kMaxText];
char marker_file[1024];
Shot shots[kMaxShots];
int shot_count = 0;
std::atomic<int> next_shot{0};
std::atomic<int> seen{0};  // matches of the next shot
std::atomic<int> last_fd{-1};
std::atomic<int> taken_in{0};  // stop signals that the program has read and dealt with
__attribute__((tls_model("initial-exec"))) thread_local bool has_read_signal = false;

// The function that we stand before. Looked up when first called: constructors of other libraries
// run before ours.
#define WP_REAL(name)                              \
  static std::atomic<void*> found_##name{nullptr}; \
  void* there_##name = found_##name.load();        \
  if (there_##name == nullptr) {                   \
    there_##name = ::dlsym(RTLD_NEXT, #name);      \
    found_##name.store(there_##name);              \
  }                                                \
  const auto real = reinterpret_cast<decltype(&::name)>(there_##name);

bool is(const char* a, const char* b) {
  return std::strcmp(a, b) == 0;
}

void sleep_a_little() {
  const timespec time{0, 500'000};
  ::nanosleep(&time, nullptr);
}

// Cuts the text at each `separator` and hands out the pieces.
template <typename Take>
void split(char* text, char separator, Take take) {
  while (text != nullptr) {
    char* end = std::strchr(text, separator);
    if (end != nullptr) *end = '\0';
    take(text);
    text = end == nullptr ? nullptr : end + 1;
  }
}

void parse_shot(char* text) {
  if (shot_count == kMaxShots) ::abort();
  Shot& shot = shots[shot_count++];
  int field = 0;
  split(text, '\x1f', [&](char* value) {
    switch (field++) {
      case 0:
        shot.call = value;
        break;
      case 1:
        shot.place = value;
        break;
      case 2:
        shot.nth = std::atoi(value);
        break;
      case 3:
        shot.hold = is(value, "1");
        break;
      case 4: {
        int n = 0;
        split(value, ',', [&](char* number) {
          if (n < kMaxSignals) shot.signals[n++] = std::atoi(number);
        });
        break;
      }
      default:
        if (field - 6 >= kMaxWords) ::abort();
        shot.words[field - 6] = value;
    }
  });
}

__attribute__((constructor)) void read_plan() {
  const char* plan = std::getenv("WP_FAULT_PLAN");
  const char* marker = std::getenv("WP_FAULT_MARKER");
  if (plan == nullptr || marker == nullptr) return;
  if (std::strlen(plan) >= sizeof plan_text || std::strlen(marker) >= sizeof marker_file) ::abort();
  std::strcpy(plan_text, plan);
  std::strcpy(marker_file, marker);
  ::unsetenv("WP_FAULT_PLAN");
  ::unsetenv("WP_FAULT_MARKER");
  ::unsetenv("LD_PRELOAD");
  split(plan_text, '\x1e', parse_shot);
}

void note(const char* what) {
  const int fd = ::open(marker_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  (void)!::syscall(SYS_write, fd, what, std::strlen(what));
  ::close(fd);
}

bool may_go(int index) {
  char name[sizeof marker_file + 8];
  std::strcpy(name, marker_file);
  const std::size_t length = std::strlen(name);
  std::memcpy(name + length, ".go0", 5);
  name[length + 3] = static_cast<char>('0' + index);
  return ::access(name, F_OK) == 0;
}

void strike(int index) {
  const Shot& shot = shots[index];
  const int before = taken_in;
  int stops = 0;
  // A killed process notes nothing afterwards.
  if (shot.signals[0] == SIGKILL || shot.signals[0] == SIGSTOP) note("hit\n");
  for (const int number : shot.signals) {
    if (number == 0) break;
    if (number == SIGTERM || number == SIGINT) ++stops;
    ::kill(::getpid(), number);
    while (number == SIGKILL) ::pause();
  }
  for (int waited = 0; taken_in < before + stops; ++waited) {
    if (waited == 2 * kPatience) return note("the signal was not taken in\n");
    sleep_a_little();
  }
  if (shot.signals[0] != SIGSTOP) note("hit\n");
  while (shot.hold && !may_go(index)) sleep_a_little();
}

// The shot that falls on this call; null for nearly all of them.
const Shot* aim(const char* call) {
  const int index = next_shot.load(std::memory_order_acquire);
  return index < shot_count && is(shots[index].call, call) ? &shots[index] : nullptr;
}

bool names(const Shot& shot, const void* bytes, std::size_t size) {
  for (const char* word : shot.words) {
    if (word != nullptr && ::memmem(bytes, size, word, std::strlen(word)) == nullptr) return false;
  }
  return true;
}

// Whether this is the match that counts. Only one thread gets it.
bool take(const Shot& shot, int fd) {
  int index = static_cast<int>(&shot - shots);
  if (next_shot != index || seen.fetch_add(1) + 1 != shot.nth) return false;
  if (fd >= 0) last_fd = fd;
  return true;
}

// The next shot counts from here on: before this one's thread is held, others may run into it.
void fire(const Shot& shot) {
  const int index = static_cast<int>(&shot - shots);
  seen = 0;
  next_shot.store(index + 1, std::memory_order_release);
  strike(index);
}

// A call that moves bytes out: before, after a half of them, or after all.
template <typename Call>
ssize_t moving_out(const char* name, int fd, const void* bytes, std::size_t size, Call call) {
  const Shot* shot = aim(name);
  if (shot == nullptr || !names(*shot, bytes, size) || !take(*shot, fd)) return call(size);
  if (is(shot->place, "before")) {
    fire(*shot);
    return call(size);
  }
  const ssize_t n = call(is(shot->place, "half") ? size / 2 : size);
  const int error = errno;
  fire(*shot);
  errno = error;
  return n;
}

// Before or after the child exists. The child itself, when it has a copy of our memory, is told
// from its parent by the 0.
template <typename Call>
long spawning(long flags, Call call) {
  const Shot* shot = (flags & CLONE_VFORK) != 0 ? aim("spawn") : nullptr;
  if (shot == nullptr || !take(*shot, -1)) return call();
  if (is(shot->place, "before")) {
    fire(*shot);
    return call();
  }
  const long pid = call();
  const int error = errno;
  if (pid != 0) fire(*shot);
  errno = error;
  return pid;
}

}  // namespace

extern "C" {

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  WP_REAL(send)
  return moving_out("send", fd, bytes, size, [&](size_t n) { return real(fd, bytes, n, flags); });
}

ssize_t write(int fd, const void* bytes, size_t size) {
  WP_REAL(write)
  return moving_out("write", fd, bytes, size, [&](size_t n) { return real(fd, bytes, n); });
}

ssize_t recv(int fd, void* bytes, size_t size, int flags) {
  WP_REAL(recv)
  const ssize_t n = real(fd, bytes, size, flags);
  if (n <= 0) return n;
  const Shot* shot = aim("recv");
  if (shot == nullptr && last_fd == fd) shot = aim("reply");
  if (shot != nullptr && names(*shot, bytes, static_cast<size_t>(n)) && take(*shot, fd)) {
    fire(*shot);
  }
  return n;
}

int waitid(idtype_t type, id_t id, siginfo_t* info, int options) {
  WP_REAL(waitid)
  const int status = real(type, id, info, options);
  if (status != 0 || info == nullptr || info->si_pid == 0) return status;
  const Shot* shot = aim("waitid");
  if (shot != nullptr && take(*shot, -1)) {
    fire(*shot);
    errno = 0;
  }
  return status;
}

int clone(int (*function)(void*), void* stack, int flags, void* argument, ...) {
  WP_REAL(clone)
  va_list rest;
  va_start(rest, argument);
  void* parent = va_arg(rest, void*);
  void* storage = va_arg(rest, void*);
  void* child = va_arg(rest, void*);
  va_end(rest);
  return static_cast<int>(spawning(flags, [&]() -> long {
    return real(function, stack, flags, argument, parent, storage, child);
  }));
}

// Built with TSan, the runner spawns by the raw call.
long syscall(long number, ...) noexcept {
  WP_REAL(syscall)
  va_list rest;
  va_start(rest, number);
  long words[6];
  for (long& word : words) word = va_arg(rest, long);
  va_end(rest);
  const auto call = [&] {
    return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
  };
  return number == SYS_clone ? spawning(words[0], call) : call();
}

// A stop signal is dealt with when the thread that read it waits for the next one.
ssize_t read(int fd, void* bytes, size_t size) {
  WP_REAL(read)
  const ssize_t n = real(fd, bytes, size);
  if (shot_count > 0 && n == static_cast<ssize_t>(sizeof(signalfd_siginfo))) {
    const auto number = static_cast<const signalfd_siginfo*>(bytes)->ssi_signo;
    has_read_signal = number == SIGTERM || number == SIGINT;
  }
  return n;
}

int poll(pollfd* fds, nfds_t count, int timeout) {
  WP_REAL(poll)
  if (has_read_signal) {
    has_read_signal = false;
    ++taken_in;
  }
  return real(fds, count, timeout);
}

}  // extern "C"
