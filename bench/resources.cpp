#include "bench/resources.h"

#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <unistd.h>

namespace wp::bench {

Memory memory_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  Memory memory;
  for (std::string name; file >> name;) {
    double kib = 0;
    if (name == "Rss:" && file >> kib) memory.resident = kib / 1024;
    if (name == "Anonymous:" && file >> kib) memory.anonymous = kib / 1024;
  }
  return memory;
}

double cpu_ms(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state … cmajflt
  double total = 0;
  for (int i = 0; i < 4; ++i) {  // utime, stime, cutime, cstime
    double ticks = 0;
    fields >> ticks;
    total += ticks;
  }
  return total * 1000 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double own_cpu_us() {
  timespec time{};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

}  // namespace wp::bench
