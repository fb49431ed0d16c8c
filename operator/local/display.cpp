#include "operator/local/display.h"

#include <cerrno>
#include <sys/ioctl.h>
#include <unistd.h>

namespace wp::local {
namespace {

constexpr Millis kPace{500};
constexpr const char* kClearLine = "\r\033[K";

int columns_of(int fd) {
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Display::Display(int fd) : fd_(fd), terminal_(isatty(fd) == 1) {
  style_.unicode = terminal_has_unicode();
}

Display::~Display() {
  finish();
}

void Display::show(const Picture& picture) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  latest_ = picture;
  if (terminal_) {
    Style line = style_;
    line.columns = columns_of(fd_) - 1;
    put((line_open_ ? kClearLine : "") + status_line(picture, line));
    line_open_ = true;
    return;
  }
  if (any_ && (picture.same_numbers(shown_) || picture.since_start - shown_.since_start < kPace)) {
    return;
  }
  write_numbers(picture);
}

void Display::say(const std::string& text) {
  const std::lock_guard lock(mutex_);
  std::string out;
  if (line_open_) out = kClearLine;
  out += text;
  if (!out.ends_with('\n')) out += '\n';
  line_open_ = false;
  put(out);
}

void Display::finish() {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  if (line_open_) put("\n");
  line_open_ = false;
  if (!terminal_ && any_ && !latest_.same_numbers(shown_)) write_numbers(latest_);
}

void Display::write_numbers(const Picture& picture) {
  put(status_line(picture, style_) + "\n");
  shown_ = picture;
  any_ = true;
}

void Display::put(const std::string& bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody looks any more
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace wp::local
