#include "ctl/lines.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/exit.h"

namespace wp::ctl {
namespace {

constexpr std::size_t kChunk = 256 * 1024;

}  // namespace

LineReader::LineReader(const std::string& path) : name_(path == "-" ? "standard input" : path) {
  if (path == "-") {
    fd_ = STDIN_FILENO;
  } else {
    opened_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    fd_ = opened_.get();
  }
  struct stat info {};
  if (fd_ < 0 || fstat(fd_, &info) != 0) {
    throw CommandError(kError, fmt::format("{}: {}", name_, std::strerror(errno)));
  }
  if (S_ISDIR(info.st_mode)) throw CommandError(kError, name_ + ": is a folder, not a file");
  // Standard input may be a file of which somebody has read a part already.
  start_ = lseek(fd_, 0, SEEK_CUR);
  rewindable_ = S_ISREG(info.st_mode) && start_ >= 0;
}

void LineReader::rewind() {
  if (lseek(fd_, start_, SEEK_SET) < 0) {
    throw CommandError(kError, fmt::format("{}: {}", name_, std::strerror(errno)));
  }
  buffer_.clear();
  at_ = 0;
  ended_ = false;
  number_ = 0;
}

bool LineReader::fill() {
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t had = buffer_.size();
  buffer_.resize(had + kChunk);
  ssize_t n = 0;
  do {
    n = ::read(fd_, buffer_.data() + had, kChunk);
  } while (n < 0 && errno == EINTR);
  const int error = errno;
  buffer_.resize(had + static_cast<std::size_t>(n > 0 ? n : 0));
  if (n < 0) throw CommandError(kError, fmt::format("{}: {}", name_, std::strerror(error)));
  ended_ = n == 0;
  return !ended_;
}

bool LineReader::next(std::string& line) {
  std::size_t searched = at_;
  for (;;) {
    const std::size_t newline = buffer_.find('\n', searched);
    if (newline != std::string::npos) {
      line.assign(buffer_, at_, std::min(newline - at_, kMaxLineBytes + 1));
      at_ = newline + 1;
      break;
    }
    const std::size_t length = buffer_.size() - at_;
    if (length > kMaxLineBytes) {
      line.assign(buffer_, at_, kMaxLineBytes + 1);
      at_ = buffer_.size();
      break;
    }
    if (ended_ || !fill()) {
      if (length == 0) return false;
      line.assign(buffer_, at_);
      at_ = buffer_.size();
      break;
    }
    searched = length;  // fill() moved the rest to the front
  }
  ++number_;
  return true;
}

bool LineReader::ready(Millis patience) {
  if (ended_ || buffer_.find('\n', at_) != std::string::npos) return true;
  pollfd waiting{fd_, POLLIN, 0};
  return poll(&waiting, 1, static_cast<int>(patience.count())) != 0;
}

}  // namespace wp::ctl
