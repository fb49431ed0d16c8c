// A real Redis Sentinel of the test's own, which watches one master under the name "main" and
// replaces it within a second or two. Gone with the object.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace wp::test {

class SentinelServer {
 public:
  /// Watches the master on the port of 127.0.0.1; alone it decides. `extra` are further lines of
  /// its configuration. Waits until it answers, a refusal included.
  explicit SentinelServer(int master_port, const std::vector<std::string>& extra = {});

  int port() const { return port_; }
  std::string node() const { return "127.0.0.1:" + std::to_string(port_); }
  void pause() const;
  void resume() const;

 private:
  OwnFolder folder_;
  int port_;
  std::optional<Process> process_;
};

}  // namespace wp::test
