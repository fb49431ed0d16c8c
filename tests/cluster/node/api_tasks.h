// Calls to the API server beside the loop, on a few threads, so that a slow server delays no
// process. Tasks have keys: of one key the newest waiting task wins and one runs at a time. A task
// that fails in a way that may pass is repeated with a growing delay.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operator/kube/work_queue.h"

namespace wp::testnode {

class ApiTasks {
 public:
  /// May throw kube::KubeError: a retryable one and a conflict lead to another try, any other ends
  /// the task with a line in the log.
  using Task = std::function<void()>;

  explicit ApiTasks(int threads);
  ~ApiTasks();  // what waits is dropped; the calls in progress have to be ended by their client
  ApiTasks(const ApiTasks&) = delete;
  ApiTasks& operator=(const ApiTasks&) = delete;

  /// Any thread.
  void submit(const std::string& key, Task task);

 private:
  void work();
  void perform(const std::string& key, const Task& task);

  kube::WorkQueue queue_;
  std::mutex mutex_;
  std::map<std::string, Task> waiting_;
  std::vector<std::jthread> threads_;  // last: they use the others
};

}  // namespace wp::testnode
