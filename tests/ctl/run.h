// Runs the real workerpoolctl with an environment of its own, and keeps what it said.
#pragma once

#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace wp::test {

/// A folder that is gone with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  /// Writes a file and answers its path.
  std::string file(const std::string& name, const std::string& bytes) const;

 private:
  std::string path_;
};

struct Ran {
  int exit = -1;  // 1000 + the signal when one ended it
  std::string out;
  std::string err;
};

/// A run under way. Owned by one test.
class Run {
 public:
  /// `environment` is all of it but for PATH and an XDG_RUNTIME_DIR where nothing is.
  explicit Run(std::vector<std::string> words, std::map<std::string, std::string> environment = {});
  ~Run();  // kills what still runs
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Into its standard input, a pipe.
  void write(const std::string& bytes);
  void close_input();
  void signal(int number) const;
  std::string out_so_far() const;
  std::string err_so_far() const;
  /// Closes the input and waits for the end.
  Ran wait();
  /// Waits for the end with the input open.
  Ran wait_with_input();

 private:
  TempFolder folder_;
  pid_t pid_ = -1;
  int input_ = -1;
};

/// All of a run; `input` is its standard input.
Ran run_ctl(std::vector<std::string> words, const std::string& input = {},
            std::map<std::string, std::string> environment = {});

}  // namespace wp::test
