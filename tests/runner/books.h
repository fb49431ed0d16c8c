// The books of a fault test: who was promised what, what was executed, and what the queue says.
//
// A Producer enqueues on a thread of its own while things break, and repeats until it has an
// acknowledgement. Handlers write the ledger themselves, a line when they start and a line when
// they end: it is no word of the code under test. check_books() holds the three against each other.
#pragma once

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/runner/runner_process.h"

namespace wp::test {

/// True by `make soak`: the same faults for as long as they last in real life.
bool soak();

/// A runner whose handlers write the ledger in `folder`. A job's payload says what it does: nothing
/// for a quick end, a number of seconds to take, `go…` to wait for the file of that name, `fail…`
/// to fail the first time. A number behind it says how many bytes follow after that line: with
/// fewer the job fails, and the ledger says so.
RunnerSetup ledger_runner(const std::string& url, const Folder& folder, int slots,
                          const std::string& queue = "q");

/// Lets the jobs end that wait for the file `name`.
void let_go(const Folder& folder, const std::string& name);

struct Ledger {
  struct Execution {
    std::string id;
    std::int64_t epoch = 0;
    pid_t pid = 0;
  };
  std::vector<Execution> starts;
  std::multiset<std::string> ends;    // ids
  std::multiset<std::string> shorts;  // ids, of executions that got a part of their payload

  explicit Ledger(const Folder& folder);
  int executions(const std::string& id) const;
};

/// The process of a job's n-th execution (from 1), once it has begun; fails the test when it
/// doesn't.
pid_t wait_start(const Folder& folder, const std::string& id, int nth = 1);
/// Waits until it has written its end.
void wait_end(const Folder& folder, const std::string& id);
/// Whether the process is gone: ended, and reaped.
bool gone(pid_t pid);

struct Production {
  int jobs = 300;
  int batch = 5;
  std::string payload = "0.01";
  int replicas = 0;  // that must have a job before it counts as acknowledged
};

class Producer {
 public:
  Producer(std::string url, Production production);
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  int acknowledged() const { return acknowledged_; }
  int repeated() const { return repeated_; }  // calls whose outcome was not known
  /// Waits until every job is acknowledged. Answers their ids; fails the test at the deadline.
  std::vector<std::string> finish(Millis deadline = Millis{60000});

 private:
  void run(const std::stop_token& stop);
  bool enqueue(redis::Connection& connection, std::vector<queue::NewJob>& jobs);

  const std::string url_;
  const Production production_;
  std::atomic<int> acknowledged_{0};
  std::atomic<int> repeated_{0};
  std::jthread thread_;
};

/// Waits until nothing waits or runs any more.
void wait_idle(QueueClient& queue, Millis deadline = Millis{60000});

/// Asserts: each acknowledged job was executed to its end and is done, completed exactly once;
/// nothing else was executed; no epoch was given twice; CHECK is clean. Executions beyond the first
/// are at most `explained`, the number that the fault accounts for.
void check_books(QueueClient& queue, const Folder& folder, const std::vector<std::string>& ids,
                 int explained);

}  // namespace wp::test
