// One row of a sweep: a queue of its own with a few jobs, and a runner that is struck at one point
// of their life (sweep_points.h). What follows is for the sweep to say. Rows run several at a time,
// for mostly they wait; each is named when it fails. Owned by one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/runner/books.h"
#include "tests/runner/sweep_points.h"
#include "tests/support/proxy.h"

namespace wp::test {

/// How a sweep sets its rows up.
struct Shape {
  std::string name;
  int slots = 1;
  int jobs = 2;           // more than slots: one at least waits
  std::size_t bytes = 0;  // of a payload, behind its first line
  bool builtin = false;   // the handler sleep; else a process that writes the ledger
  bool same_pod = false;  // the next runner is the next incarnation of the struck one's pod
  Millis lease{3000};
  const char* on_partition = "kill";
};

class SweepRow {
 public:
  /// The point is struck by these signals.
  SweepRow(const RedisServer& redis, const Point& point, const Shape& shape,
           std::vector<int> signals);

  /// Starts the runner and waits until the point was hit; fails the test when it is not reached.
  void strike();
  /// Lets every job end that waits for it.
  void let_go() const { test::let_go(folder_, kUntilLetGo); }
  /// A further runner, not struck.
  std::unique_ptr<RunnerProcess> next_runner() const;

  /// Of a job as the queue has it now.
  queue::JobView job(const std::string& id) { return queue_->job(id); }
  std::vector<std::string> in_state(queue::JobState state);
  /// Asserts that job-0 comes to that state.
  void check_first(queue::JobState state);
  std::int64_t count(const std::string& stat);

  /// Asserts that no process of a handler that has started is left.
  void check_handlers_gone() const;
  /// Waits until every job has ended and holds the books against each other.
  void settle_books(int explained);

  RunnerProcess& runner() { return *runner_; }
  const std::vector<std::string>& ids() const { return ids_; }
  const Folder& folder() const { return folder_; }
  const Point& point() const { return point_; }
  const Shape& shape() const { return shape_; }
  /// Stop signals that the runner gets, those on the way to the point too.
  int stop_signals() const;

 private:
  RunnerSetup setup(const std::string& pod) const;
  void enqueue();
  void strike_by_network();

  const RedisServer& redis_;
  const Point& point_;
  const Shape& shape_;
  const std::vector<int> signals_;
  const Millis lease_;
  const std::string name_;  // of the queue
  QueueClient queue_;
  Folder folder_;
  std::vector<std::string> ids_;
  std::optional<Proxy> proxy_;
  std::optional<FaultPlan> plan_;
  std::unique_ptr<RunnerProcess> runner_;
};

/// The shape with a short lease, for sweeps that wait for its end. Beside that a hiccup of the
/// machine is long: it is no partition then.
Shape short_lease(Shape shape);

/// Runs `row` for every point that the shape has, several at a time.
void sweep(const Shape& shape, const std::function<void(const Point&)>& row);

}  // namespace wp::test
