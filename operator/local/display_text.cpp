#include "operator/local/display_text.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace wp::local {
namespace {

constexpr int kLongestBar = 20;

std::string number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "-";
}

std::string repeat(const char* sign, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += sign;
  return text;
}

bool names_utf8(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name.find("UTF-8") != std::string::npos || name.find("UTF8") != std::string::npos;
}

std::string quoted_for_shell(const std::string& word) {
  const bool plain =
      !word.empty() &&
      word.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/=-+@%,") ==
          std::string::npos;
  return plain ? word : "'" + word + "'";
}

}  // namespace

bool terminal_has_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return names_utf8(value);
  }
  return false;
}

bool Picture::same_numbers(const Picture& other) const {
  return waiting == other.waiting && delayed == other.delayed && active == other.active &&
         completed == other.completed && dead == other.dead && ready == other.ready &&
         starting == other.starting && leaving == other.leaving;
}

std::string clock_text(Millis since_start) {
  const std::int64_t tenths = since_start.count() / 100;
  if (tenths < 6000) return fmt::format("{:>5}.{}s", tenths / 10, tenths % 10);
  const std::int64_t seconds = tenths / 10;
  return fmt::format("{:>4}m{:02}s", seconds / 60, seconds % 60);
}

std::string worker_bar(const Picture& picture, const Style& style) {
  const int moving = picture.starting + picture.leaving;
  const int all = picture.ready + moving;
  std::string text;
  if (std::max(all, picture.max) <= kLongestBar) {
    const int room = std::max(0, picture.max - all);
    text = style.unicode ? repeat("▮", picture.ready) + repeat("▯", moving) + repeat("·", room)
                         : repeat("#", picture.ready) + repeat("+", moving) + repeat(".", room);
    text += " ";
  }
  text += fmt::format("{} of {}", picture.ready, picture.max);
  if (picture.starting > 0) text += fmt::format(", {} starting", picture.starting);
  if (picture.leaving > 0) text += fmt::format(", {} leaving", picture.leaving);
  return text;
}

std::string status_line(const Picture& picture, const Style& style) {
  std::string text =
      fmt::format("{}  waiting {:>5}  active {:>3}  done {:>5}", clock_text(picture.since_start),
                  number(picture.waiting), number(picture.active), number(picture.completed));
  if (picture.delayed.value_or(0) > 0) text += fmt::format("  delayed {}", *picture.delayed);
  if (picture.dead.value_or(0) > 0) text += fmt::format("  dead {}", *picture.dead);
  return fit(text + "  workers " + worker_bar(picture, style), style.columns);
}

std::string decision_line(Millis since_start, int from, int to, std::string_view reason,
                          const Style& style) {
  return fmt::format("{}  {} {} {} {}: {}", clock_text(since_start), from,
                     style.unicode ? "→" : "->", to, to == 1 ? "worker" : "workers", reason);
}

std::string note_line(Millis since_start, bool warning, std::string_view text, const Style& style) {
  const char* mark = !warning ? "" : style.unicode ? "⚠ " : "! ";
  return fmt::format("{}  {}{}", clock_text(since_start), mark, text);
}

std::string header_text(const Header& header) {
  std::string text = fmt::format(
      "WorkerPool, on this machine: pool {}, {} to {} workers, {} {} each\n", header.pool,
      header.min, header.max, header.concurrency, header.concurrency == 1 ? "job" : "jobs");
  text += fmt::format("  runs     {}\n", header.handler);
  text += fmt::format("  queue    {}\n", header.queue);
  text += fmt::format("  redis    {}{}\n", header.redis,
                      header.private_redis ? " (private: it ends with this command)" : "");
  text += fmt::format("  logs     {}\n", header.logs.empty() ? "of the workers: below"
                                                             : header.logs + "/worker-*.log");
  text += fmt::format("  enqueue  {} enqueue mytype --queue {} --redis {} --payload '{{}}'\n",
                      quoted_for_shell(header.ctl), quoted_for_shell(header.queue),
                      quoted_for_shell(header.redis));
  text += fmt::format("           (from another terminal; the address is also in {})\n",
                      header.url_file);
  text += header.until_empty
              ? "  ends     when every job was run; Ctrl-C: running jobs finish first\n"
              : "  ends     on Ctrl-C: running jobs finish first\n";
  return text;
}

std::string fit(std::string text, int columns) {
  if (columns <= 0) return text;
  int characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins && characters++ == columns) return text.substr(0, i);
  }
  return text;
}

}  // namespace wp::local
