// /workerpool/bin/workerpool-runner of the self-contained folder: a static program that becomes
// /workerpool/lib/workerpool-runner. It is there for the environment. What an image says to its own
// loader (LD_PRELOAD of an allocator, LD_LIBRARY_PATH) or to its OpenSSL (OPENSSL_CONF,
// OPENSSL_MODULES) is not meant for ours, which would load another C library's objects or refuse to
// start; handlers still have to get it. So those variables travel under other names, and
// runner/handlers/environment.cpp gives them back.
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "runner/kept_environment.h"

namespace {

constexpr const char* kProgram = "/workerpool/lib/workerpool-runner";
constexpr std::string_view kFor[] = {"LD_", "OPENSSL_"};

bool is_set_aside(std::string_view entry) {
  for (const std::string_view prefix : kFor) {
    if (entry.substr(0, prefix.size()) == prefix) return true;
  }
  return false;
}

void complain(const std::string& text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

int main(int, char** argv, char** environment) {
  std::vector<std::string> own = {wp::runner::kOwnOpenssl};
  for (char** entry = environment; *entry != nullptr; ++entry) {
    own.push_back(is_set_aside(*entry) ? wp::runner::kKept + std::string(*entry) : *entry);
  }
  std::vector<char*> pointers;
  for (std::string& entry : own) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  ::execve(kProgram, argv, pointers.data());
  complain(std::string("workerpool-runner: ") + kProgram + " cannot be executed: " +
           std::strerror(errno) + "; its folder has to be at /workerpool\n");
  return 127;
}
