// A proxy in front of a Redis's unix socket that breaks its first connection at a chosen exchange:
// before the request reaches Redis, or after Redis has answered. Later connections pass untouched,
// or are cut at the same place when asked. Counts on a client that waits for each answer.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "tests/ctl/run.h"

namespace wp::test {

enum class Cut { before, after };

class CuttingProxy {
 public:
  /// `exchange` counts from 1; 0 never cuts.
  CuttingProxy(std::string upstream_socket, Cut cut, int exchange, bool every_connection = false);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  std::string url() const { return "unix://" + socket_; }
  int connections() const { return connections_; }

 private:
  void run();
  void serve(int client);

  TempFolder folder_;
  std::string socket_;
  std::string upstream_;
  Cut cut_;
  int exchange_;
  bool every_connection_;
  std::atomic<int> connections_ = 0;
  UniqueFd listener_;
  UniqueFd quit_;
  std::thread thread_;
};

}  // namespace wp::test
