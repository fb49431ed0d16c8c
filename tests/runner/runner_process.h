// The real workerpool-runner as a child of the test, with its log in a file. Killed with the
// object.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/clock.h"
#include "queue/queue.h"
#include "tests/support/redis_server.h"
#include "tests/support/wait.h"

namespace wp::test {

struct RunnerSetup {
  std::string redis_url;
  std::string queue = "q";
  std::vector<std::string> arguments;              // further flags, and -- command
  std::map<std::string, std::string> environment;  // beside the test's own
};

class RunnerProcess {
 public:
  explicit RunnerProcess(const RunnerSetup& setup);
  ~RunnerProcess();
  RunnerProcess(const RunnerProcess&) = delete;
  RunnerProcess& operator=(const RunnerProcess&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Its exit code, or 1000 + the signal that killed it; absent when it still runs then.
  std::optional<int> wait(Millis deadline = Millis{60000});
  std::string log() const;
  /// Waits for a line of the log that holds this.
  bool logged(const std::string& text, Millis deadline = Millis{60000}) const;
  /// Port of the probes, as the log says it.
  int probe_port() const;

 private:
  std::string log_file_;
  pid_t pid_ = -1;
  std::optional<int> exit_;
};

/// A folder for the test's files, gone with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);
/// Lines of a file that handlers append to; 0 while it is not there.
int count_lines(const std::string& path);

/// The test's own view of the queue, on a connection of its own.
class QueueClient {
 public:
  explicit QueueClient(const RedisServer& redis, std::string name = "q");

  queue::Queue& operator*() { return queue_; }
  queue::Queue* operator->() { return &queue_; }
  /// Lease in ms and further fields, as a pool would write them.
  void configure(std::int64_t lease_ms, std::map<std::string, std::string> more = {});
  std::string enqueue(const std::string& payload, const std::string& type = "default",
                      Millis delay = Millis{0});
  /// Waits until the job is in that state and answers what is known of it.
  queue::JobView wait_state(const std::string& id, queue::JobState state,
                            Millis deadline = Millis{60000});
  void reconnect() { connection_.connect(); }
  redis::Connection& connection() { return connection_; }

 private:
  redis::Connection connection_;
  queue::Queue queue_;
  std::int64_t term_ = 0;
};

}  // namespace wp::test
