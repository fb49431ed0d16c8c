#include "queue/redis/files.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace wp::redis {
namespace {

constexpr std::size_t kLargest = 4 << 20;  // the CAs of a whole system are a quarter of a MiB

}  // namespace

std::string read_file(const std::string& path, const std::string& what, ErrorClass error) {
  const auto give_up = [&](const char* why) {
    throw Error(error, fmt::format("cannot read {} {}: {}", what, path, why));
  };
  // Not blocking: a pipe in the place of the file must not hold us.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) give_up(std::strerror(errno));
  std::string text;
  char chunk[16 * 1024];
  for (;;) {
    const ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) give_up(std::strerror(errno));
    text.append(chunk, static_cast<std::size_t>(n));
    if (text.size() > kLargest) give_up("it is too large");
  }
}

std::string current_password(const std::string& password, const std::string& file) {
  if (file.empty()) return password;
  std::string text = read_file(file, "the password file", ErrorClass::auth);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace wp::redis
