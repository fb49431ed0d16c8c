// Settings of a program: each has one name and may come from a flag (--name), the environment or a
// YAML file (--config), in that order of power. Every value is checked once, whatever its source,
// and a bad one is one line that says which value, where it came from and what is allowed.
//
//   Options options("workerpool-runner", "Claims jobs and runs them.");
//   std::int64_t slots = 1;
//   options.integer({.name = "concurrency", .env = "WP_CONCURRENCY", .help = "jobs at once"},
//                   slots, {1, 1000});
//   options.parse(argc, argv);
//
// The variable holds the default when it is declared. Used by main() only, before any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.h"

namespace wp {

/// What the user gave cannot be used. The message is one line; programs print it and exit with 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Setting {
  std::string name;      // flag --name, key `name` in the file
  std::string env = {};  // empty: not read from the environment
  std::string help = {};
  std::string placeholder = "VALUE";
  bool secret = false;  // never printed, neither in errors nor in the start-up log
  char letter = 0;      // a short form of the flag: 'q' is -q
};

struct Bounds {
  std::int64_t min;
  std::int64_t max;
};

/// A setting as it was resolved, for the start-up log. A secret's value is "(set)" or "(not set)".
struct ResolvedSetting {
  std::string name;
  std::string value;
  std::string source;  // "flag", "environment WP_X", "file F" or "default"
};

enum class Parsed { run, exit };  // exit: help or version was printed

class Options {
 public:
  Options(std::string program, std::string about);
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  Options& text(Setting setting, std::string& value);
  Options& integer(Setting setting, std::int64_t& value, Bounds bounds);
  /// Accepts "90s", "5m"; bounds in ms.
  Options& duration(Setting setting, Millis& value, Bounds bounds);
  /// Accepts "64Ki", "1Mi"; bounds in bytes.
  Options& bytes(Setting setting, std::int64_t& value, Bounds bounds);
  Options& choice(Setting setting, std::string& value, std::vector<std::string> allowed);
  /// A switch: present is true. In the environment and the file: true or false.
  Options& toggle(Setting setting, bool& value);
  /// May be given several times; in the environment separated by commas, in the file a list.
  Options& list(Setting setting, std::vector<std::string>& values);
  /// A word without a dash, in the order of declaration.
  Options& positional(const std::string& name, const std::string& help, std::string& value,
                      bool required);
  /// Any number of words without a dash, behind the positional ones.
  Options& words(const std::string& name, const std::string& help,
                 std::vector<std::string>& values);
  /// All words from the first unknown one or after `--`.
  Options& remainder(const std::string& name, const std::string& help,
                     std::vector<std::string>& words);
  /// A sub-command with its own settings; exactly one has to be named, and `chosen()` tells which.
  /// The settings of what is above it may be given before or behind its name.
  Options& command(const std::string& name, const std::string& about);
  /// Printed below the list of options by --help: examples.
  Options& epilog(const std::string& text);

  /// Reads flags, environment and file; fills the variables. Prints help or the version itself.
  /// Throws UsageError.
  Parsed parse(int argc, const char* const* argv);

  /// The names of the chosen sub-commands, outermost first, joined by a blank; empty when none.
  std::string chosen() const;

  /// Every setting of this program (and of the chosen sub-command), in order of declaration.
  std::vector<ResolvedSetting> resolved() const;

 private:
  struct Impl;
  Options(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Runs a program's body: UsageError is printed as one line and answers 2, any other
/// std::exception 1.
int run_program(const std::string& program, const std::function<int()>& body);

}  // namespace wp
