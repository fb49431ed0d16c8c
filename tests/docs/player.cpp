#include "tests/docs/player.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "tests/support/wait.h"

namespace wp::test {
namespace {

constexpr Millis kPatience{60000};
// The first `go build` on a machine compiles its library; `kubectl wait` says itself how long.
constexpr Millis kLongPatience{240000};

std::string words_of(const std::string& line) {
  std::istringstream in(line);
  std::string words;
  for (std::string word; in >> word;) words += (words.empty() ? "" : " ") + word;
  return words;
}

[[noreturn]] void fail(const ConsoleCommand& command, const std::string& what,
                       const std::string& output) {
  throw std::runtime_error(
      fmt::format("line {}: $ {}\n{}; its output:\n{}", command.line, command.words, what, output));
}

}  // namespace

bool ConsoleCommand::runs_runner() const {
  return words.starts_with("workerpool-runner ");
}

bool ConsoleCommand::stays_up() const {
  static const std::regex app(R"(^\S+ \w+_app\.\w+$)");
  return runs_runner() || std::regex_match(words, app);
}

bool ConsoleCommand::may_be_early() const {
  return words.starts_with("workerpoolctl jobs show ");
}

std::vector<ConsoleCommand> commands_of(const FencedBlock& console) {
  std::vector<ConsoleCommand> commands;
  int line = console.line;
  for (const std::string& text : console.lines) {
    if (text.starts_with("$ ")) {
      commands.push_back({line, text.substr(2), {}});
    } else if (commands.empty()) {
      throw std::runtime_error(fmt::format("line {}: no command says: {}", line, text));
    } else {
      commands.back().says.push_back(text);
    }
    ++line;
  }
  return commands;
}

bool says_lines(const std::string& output, const std::vector<std::string>& lines) {
  std::istringstream in(output);
  auto wanted = lines.begin();
  for (std::string line; wanted != lines.end() && std::getline(in, line);) {
    if (words_of(line) == words_of(*wanted)) ++wanted;
  }
  return wanted == lines.end();
}

Player::Player(const std::vector<FencedBlock>& programs,
               std::map<std::string, std::string> environment)
    : environment_(std::move(environment)) {
  for (const FencedBlock& program : programs) {
    if (!program.file_name().empty()) (void)folder_.write(program.file_name(), program.text());
  }
}

void Player::play(const FencedBlock& console) {
  running_.clear();
  for (const ConsoleCommand& command : commands_of(console)) {
    command.stays_up() ? stay_up(command) : run(command);
  }
  stop_all();
}

// Where the page's user is: in the folder, in a shell. What stays up is the shell's successor, so
// that it gets our signals.
std::unique_ptr<Process> Player::start(const ConsoleCommand& command) {
  const std::string script = fmt::format("cd '{}' && {}{}", folder_.path(),
                                         command.stays_up() ? "exec " : "", command.words);
  return std::make_unique<Process>(std::vector<std::string>{"bash", "-c", script},
                                   fmt::format("{}/.log{}", folder_.path(), logs_++), environment_);
}

// Whoever types the next line into another terminal has seen the worker come up.
void Player::stay_up(const ConsoleCommand& command) {
  if (!command.says.empty()) fail(command, "what stays up has no lines in the page", "");
  auto process = start(command);
  if (command.runs_runner() && !eventually(
                                   [&] {
                                     return process->output().find("\"msg\":\"registered\"") !=
                                                std::string::npos ||
                                            process->wait(Millis{0});
                                   },
                                   kPatience)) {
    fail(command, "the worker did not register", process->output());
  }
  if (process->wait(Millis{0})) {
    fail(command, "it ended before it was stopped", process->output());
  }
  running_.push_back({command, std::move(process)});
}

void Player::run(const ConsoleCommand& command) {
  const bool takes_long =
      command.words.starts_with("go build ") || command.words.starts_with("kubectl ");
  std::string output = "it was not started";
  std::optional<int> exit_code;
  const auto once = [&] {
    const auto process = start(command);
    exit_code = process->wait(takes_long ? kLongPatience : kPatience);
    output = process->output();
    return exit_code == 0 && says_lines(output, command.says);
  };
  const bool good = command.may_be_early() ? eventually(once, kPatience, Millis{50}) : once();
  if (good) return;
  for (const Running& running : running_) {
    output += fmt::format("-- $ {}\n{}", running.command.words, running.process->output());
  }
  if (!exit_code) fail(command, "it did not end", output);
  if (*exit_code != 0) fail(command, fmt::format("it ended with {}", *exit_code), output);
  fail(command, fmt::format("it does not say:\n{}", fmt::join(command.says, "\n")), output);
}

void Player::stop_all() {
  while (!running_.empty()) {
    const Running last = std::move(running_.back());
    running_.pop_back();
    if (last.process->wait(Millis{0})) {
      fail(last.command, "it ended before it was stopped", last.process->output());
    }
    last.process->signal(SIGTERM);
    const auto exit_code = last.process->wait(kPatience);
    if (!exit_code) fail(last.command, "SIGTERM does not end it", last.process->output());
    if (last.command.runs_runner() && *exit_code != 0) {
      fail(last.command, fmt::format("it was stopped, and ended with {}", *exit_code),
           last.process->output());
    }
  }
}

}  // namespace wp::test
