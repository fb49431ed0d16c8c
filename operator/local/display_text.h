// The words and bars of local mode's display. Pure: values in, lines out (without a newline).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace wp::local {

struct Style {
  bool unicode = true;  // false: plain ASCII
  int columns = 0;      // of the terminal; 0: lines may be of any length
};

/// From the environment: LC_ALL, else LC_CTYPE, else LANG names UTF-8.
bool terminal_has_unicode();

/// The pool at one moment. What is not known yet is absent and shown as "-".
struct Picture {
  Millis since_start{0};
  std::optional<std::int64_t> waiting;
  std::optional<std::int64_t> delayed;
  std::optional<std::int64_t> active;
  std::optional<std::int64_t> completed;  // since the start, as the next one
  std::optional<std::int64_t> dead;
  int ready = 0;  // workers that serve
  int starting = 0;
  int leaving = 0;  // told to go, finishing their jobs
  int max = 0;

  bool same_numbers(const Picture& other) const;
};

/// " 12.3s"
std::string clock_text(Millis since_start);

/// One sign per worker: serving, on its way in or out, and the room up to the maximum. Digits alone
/// when there are more than 20.
std::string worker_bar(const Picture& picture, const Style& style);

/// " 12.3s  waiting  120  active    4  done   116  workers ▮▮▮▮ 4 of 4"
std::string status_line(const Picture& picture, const Style& style);

/// " 12.3s  0 -> 4 workers: 120 waiting …"
std::string decision_line(Millis since_start, int from, int to, std::string_view reason,
                          const Style& style);

/// Something that happened, with a mark when it is a warning.
std::string note_line(Millis since_start, bool warning, std::string_view text, const Style& style);

struct Header {
  std::string pool;
  std::string queue;
  int min = 0;
  int max = 0;
  int concurrency = 1;
  std::string handler;  // the command's words
  std::string redis;    // without a password
  bool private_redis = false;
  std::string url_file;
  std::string logs;  // folder; empty: stderr
  std::string ctl;   // workerpoolctl as it can be typed
  bool until_empty = false;
};
/// What runs here, and what to type next. Several lines.
std::string header_text(const Header& header);

/// Cut to `columns` characters (not bytes); 0: as it is.
std::string fit(std::string text, int columns);

}  // namespace wp::local
