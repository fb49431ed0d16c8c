#include "operator/local/display_text.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "operator/local/display.h"

using namespace wp;
using namespace wp::local;

namespace {

constexpr Style kUnicode{true, 0};
constexpr Style kAscii{false, 0};

Picture picture(std::int64_t ms, std::int64_t waiting, std::int64_t active, std::int64_t done) {
  Picture made;
  made.since_start = Millis{ms};
  made.waiting = waiting;
  made.active = active;
  made.completed = done;
  made.max = 4;
  return made;
}

// What a display writes into a pipe, which is no terminal.
struct Piped {
  int ends[2] = {-1, -1};
  Piped() { REQUIRE(pipe2(ends, O_CLOEXEC) == 0); }
  ~Piped() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  std::string text() {
    close(std::exchange(ends[1], -1));
    char buffer[4096];
    const ssize_t n = read(ends[0], buffer, sizeof buffer);
    return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : "";
  }
};

}  // namespace

TEST_CASE("the time since the start") {
  CHECK(clock_text(Millis{0}) == "    0.0s");
  CHECK(clock_text(Millis{12345}) == "   12.3s");
  CHECK(clock_text(Millis{599999}) == "  599.9s");
  CHECK(clock_text(Millis{600000}) == "  10m00s");
  CHECK(clock_text(Millis{3725000}) == "  62m05s");
}

TEST_CASE("the bar: serving, moving, room; digits alone when there are many") {
  Picture shown = picture(0, 0, 0, 0);
  CHECK(worker_bar(shown, kUnicode) == "···· 0 of 4");
  shown.ready = 2;
  shown.starting = 1;
  CHECK(worker_bar(shown, kUnicode) == "▮▮▯· 2 of 4, 1 starting");
  CHECK(worker_bar(shown, kAscii) == "##+. 2 of 4, 1 starting");
  shown.leaving = 3;  // more than the maximum for a while
  CHECK(worker_bar(shown, kAscii) == "##++++ 2 of 4, 1 starting, 3 leaving");
  shown.max = 50;
  CHECK(worker_bar(shown, kAscii) == "2 of 50, 1 starting, 3 leaving");
}

TEST_CASE("the status line: unknown is no zero, and only what is there is said") {
  Picture shown = picture(1500, 120, 4, 36);
  shown.ready = 4;
  CHECK(status_line(shown, kAscii) ==
        "    1.5s  waiting   120  active   4  done    36  workers #### 4 of 4");
  shown.waiting.reset();
  shown.delayed = 2;
  shown.dead = 1;
  CHECK(status_line(shown, kAscii) ==
        "    1.5s  waiting     -  active   4  done    36  delayed 2  dead 1  workers #### 4 of 4");
}

TEST_CASE("lines are cut by characters, never within one") {
  CHECK(fit("abc", 0) == "abc");
  CHECK(fit("abc", 2) == "ab");
  CHECK(fit("▮▮▮", 2) == "▮▮");
  CHECK(fit("ä", 1) == "ä");
}

TEST_CASE("decisions and notes") {
  CHECK(decision_line(Millis{100}, 0, 4, "9 waiting", kUnicode) ==
        "    0.1s  0 → 4 workers: 9 waiting");
  CHECK(decision_line(Millis{100}, 4, 1, "idle", kAscii) == "    0.1s  4 -> 1 worker: idle");
  CHECK(note_line(Millis{0}, true, "x", kAscii) == "    0.0s  ! x");
  CHECK(note_line(Millis{0}, false, "x", kAscii) == "    0.0s  x");
}

TEST_CASE("the header says what to type next") {
  Header header;
  header.pool = "p";
  header.queue = "default/p";
  header.max = 3;
  header.handler = "cat";
  header.redis = "unix:///run/p.sock";
  header.private_redis = true;
  header.url_file = "/run/p.url";
  header.logs = "/run/p";
  header.ctl = "/opt/my tools/workerpoolctl";
  const std::string text = header_text(header);
  CHECK(text.find("0 to 3 workers, 1 job each") != std::string::npos);
  CHECK(text.find("'/opt/my tools/workerpoolctl' enqueue mytype --queue default/p --redis "
                  "unix:///run/p.sock --payload '{}'") != std::string::npos);
  CHECK(text.find("(private: it ends with this command)") != std::string::npos);
  CHECK(text.find("/run/p/worker-*.log") != std::string::npos);
}

TEST_CASE("where LANG has no UTF-8 the display is plain ASCII") {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) unsetenv(name);
  CHECK_FALSE(terminal_has_unicode());
  setenv("LANG", "en_US.utf8", 1);
  CHECK(terminal_has_unicode());
  setenv("LC_ALL", "C", 1);
  CHECK_FALSE(terminal_has_unicode());
  unsetenv("LC_ALL");
}

TEST_CASE("not on a terminal: changes only, two a second, the last one at the end") {
  unsetenv("LANG");
  Piped pipe;
  {
    Display display(pipe.ends[1]);
    display.show(picture(0, 5, 0, 0));
    display.show(picture(100, 4, 1, 0));  // too soon
    display.say("a line that stays");
    display.show(picture(600, 3, 1, 1));
    display.show(picture(1200, 3, 1, 1));  // nothing new
    display.show(picture(1300, 0, 0, 5));
    display.show(picture(1400, 0, 0, 6));  // too soon, but the last
  }
  CHECK(pipe.text() ==
        "    0.0s  waiting     5  active   0  done     0  workers .... 0 of 4\n"
        "a line that stays\n"
        "    0.6s  waiting     3  active   1  done     1  workers .... 0 of 4\n"
        "    1.3s  waiting     0  active   0  done     5  workers .... 0 of 4\n"
        "    1.4s  waiting     0  active   0  done     6  workers .... 0 of 4\n");
}
