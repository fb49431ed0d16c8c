// Every state of a Deployment since this object was made, as the API server's own watch tells it:
// was the number lowered while a rollout was under way, or was it ever higher than needed? A thread
// of its own; gone with the object.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operator/kube/client.h"

namespace wp::test {

class SizeHistory {
 public:
  struct State {
    int wanted = 0;
    bool rolling = false;  // its controller has not seen it, or pods of an older template exist
  };

  /// `path`: of the Deployment in its namespace.
  SizeHistory(kube::ClusterConfig cluster, const std::string& path);
  ~SizeHistory();
  SizeHistory(const SizeHistory&) = delete;
  SizeHistory& operator=(const SizeHistory&) = delete;

  std::vector<State> states() const;
  /// The most workers that were asked for.
  int highest() const;
  /// How often the number was lowered when the state before was one of a rollout.
  int lowered_while_rolling() const;

 private:
  void add(std::string_view line);

  kube::Client client_;
  mutable std::mutex mutex_;
  std::vector<State> states_;
  std::jthread thread_;
};

}  // namespace wp::test
