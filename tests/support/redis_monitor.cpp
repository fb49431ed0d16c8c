#include "tests/support/redis_monitor.h"

#include <array>
#include <charconv>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>

namespace wp::test {

namespace {

// The words of `"A" "b\x00\""`: each as sdscatrepr of Redis writes it. That of Valkey 8.1 leaves
// quotes and backslashes as they are, so a word ends only where a quote is followed by the next
// word or nothing, and a backslash that escapes nothing is one.
redis::Command parse_words(const std::string& line, std::size_t at) {
  const auto ends_word = [&](std::size_t quote) {
    return quote + 1 == line.size() || line.compare(quote + 1, 2, " \"") == 0;
  };
  constexpr std::string_view kNames = "nrtab\\\"";
  constexpr std::string_view kValues = "\n\r\t\a\b\\\"";
  redis::Command words;
  while (at < line.size()) {
    if (line[at] != '"') throw std::runtime_error("not a line of MONITOR: " + line);
    std::string word;
    for (++at; at < line.size() && !(line[at] == '"' && ends_word(at)); ++at) {
      const std::string_view rest = std::string_view(line).substr(at + 1);
      int byte = 0;
      if (line[at] != '\\' || rest.empty()) {
        word += line[at];
      } else if (const std::size_t name = kNames.find(rest[0]); name != std::string_view::npos) {
        word += kValues[name];
        at += 1;
      } else if (rest[0] == 'x' && rest.size() >= 3 &&
                 std::from_chars(&rest[1], &rest[1] + 2, byte, 16).ptr == &rest[1] + 2) {
        word += static_cast<char>(byte);
        at += 3;
      } else {
        word += line[at];
      }
    }
    words.push_back(std::move(word));
    at += 2;  // the closing quote and the space
  }
  return words;
}

}  // namespace

MonitoredCommand parse_monitor_line(const std::string& line) {
  const std::size_t open = line.find('[');
  const std::size_t close = line.find("] ", open);
  if (line.empty() || line[0] != '+' || open == std::string::npos || close == std::string::npos) {
    throw std::runtime_error("not a line of MONITOR: " + line);
  }
  const std::string source = line.substr(open + 1, close - open - 1);
  return {source.ends_with(" lua"), parse_words(line, close + 2)};
}

RedisMonitor::RedisMonitor(const RedisServer& server)
    : marker_(server.endpoint()), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  marker_.connect();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  server.socket().copy(address.sun_path, sizeof address.sun_path - 1);
  constexpr std::string_view kCommand = "MONITOR\r\n";
  if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::send(socket_.get(), kCommand.data(), kCommand.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(kCommand.size()) ||
      read_line() != "+OK") {
    throw std::runtime_error("no MONITOR on " + server.socket());
  }
}

std::string RedisMonitor::read_line() {
  std::size_t end = 0;
  while ((end = received_.find("\r\n")) == std::string::npos) {
    pollfd waiting{socket_.get(), POLLIN, 0};
    std::array<char, 65536> buffer{};
    if (::poll(&waiting, 1, 60000) != 1) throw std::runtime_error("MONITOR is silent");
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (n <= 0) throw std::runtime_error("MONITOR ended");
    received_.append(buffer.data(), static_cast<std::size_t>(n));
  }
  const std::string line = received_.substr(0, end);
  received_.erase(0, end + 2);
  return line;
}

std::vector<MonitoredCommand> RedisMonitor::take() {
  const redis::Command mark{"ECHO", "end of part " + std::to_string(++marks_)};
  (void)marker_.execute(mark);
  std::vector<MonitoredCommand> commands;
  while (true) {
    MonitoredCommand command = parse_monitor_line(read_line());
    if (command.words == mark) return commands;
    commands.push_back(std::move(command));
  }
}

}  // namespace wp::test
