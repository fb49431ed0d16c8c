// Writes local mode's display: on a terminal one status line that is drawn anew, with what happened
// above it; elsewhere only lines that stay, at most two a second of the numbers. Any thread.
#pragma once

#include <mutex>
#include <string>

#include "base/clock.h"
#include "operator/local/display_text.h"

namespace wp::local {

class Display {
 public:
  /// `fd` is where it writes, usually standard output. It stays the caller's.
  explicit Display(int fd);
  ~Display();  // finish()
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  /// The numbers of now. Elsewhere than on a terminal they are written when they differ from the
  /// last line, unless that is less than half a second old.
  void show(const Picture& picture);
  /// Lines that stay.
  void say(const std::string& text);
  /// The last numbers stay, and nothing is redrawn any more.
  void finish();

  const Style& style() const { return style_; }

 private:
  void put(const std::string& bytes) const;
  void write_numbers(const Picture& picture);

  int fd_;
  bool terminal_;
  Style style_;
  std::mutex mutex_;
  bool line_open_ = false;  // terminal: the status line stands and can be overwritten
  bool finished_ = false;
  Picture shown_;
  Picture latest_;
  bool any_ = false;
};

}  // namespace wp::local
