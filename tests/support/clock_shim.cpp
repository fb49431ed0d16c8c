// Preloaded into a server (LD_PRELOAD) so that a test can step its clock: the wall clock of the
// process is the machine's plus the milliseconds that stand, as a 64-bit integer, in the file
// named by WP_CLOCK_SHIM. The monotonic clock stays as it is, as when an administrator or NTP sets
// the time. Thread-safe.
//
// Not libfaketime: that calls dlsym within clock_gettime, and jemalloc asks for the time while it
// is being set up, so Redis hangs in malloc before it has begun. Here nothing allocates.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

using Offset = std::atomic<std::int64_t>;
std::atomic<const Offset*> mapped{nullptr};

std::int64_t offset_ms() {
  const Offset* offset = mapped.load(std::memory_order_acquire);
  if (offset == nullptr) {
    const char* file = std::getenv("WP_CLOCK_SHIM");
    if (file == nullptr) return 0;
    const int fd = ::open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    void* memory = ::mmap(nullptr, sizeof(Offset), PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) return 0;
    offset = static_cast<const Offset*>(memory);
    mapped.store(offset, std::memory_order_release);
  }
  return offset->load(std::memory_order_relaxed);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int status = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    const std::int64_t nanos =
        time->tv_sec * kNanosPerSecond + time->tv_nsec + offset_ms() * (kNanosPerSecond / 1000);
    time->tv_sec = nanos / kNanosPerSecond;
    time->tv_nsec = nanos % kNanosPerSecond;
  }
  return status;
}

int gettimeofday(timeval* time, void*) noexcept {
  timespec now{};
  const int status = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return status;
}

time_t time(time_t* result) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
