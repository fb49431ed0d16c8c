// /workerpool/bin/workerpool-runner of the self-contained folder: a static program that becomes
// /workerpool/lib/workerpool-runner. It is there for the environment. What an image says to its own
// loader (LD_PRELOAD of an allocator, LD_LIBRARY_PATH) is not meant for ours, which would load
// another C library's objects or refuse to start; handlers still have to get it. So those variables
// travel under other names, and runner/handlers/environment.cpp gives them back.
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

constexpr const char* kProgram = "/workerpool/lib/workerpool-runner";
constexpr const char* kFor = "LD_";
constexpr const char* kKept = "WP_KEPT_";

void complain(const std::string& text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

int main(int, char** argv, char** environment) {
  std::vector<std::string> renamed;
  for (char** entry = environment; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, kFor, std::strlen(kFor)) == 0) {
      renamed.push_back(std::string(kKept) + *entry);
    }
  }
  std::size_t next = 0;
  for (char** entry = environment; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, kFor, std::strlen(kFor)) == 0) *entry = renamed[next++].data();
  }
  ::execve(kProgram, argv, environment);
  complain(std::string("workerpool-runner: ") + kProgram + " cannot be executed: " +
           std::strerror(errno) + "; its folder has to be at /workerpool\n");
  return 127;
}
