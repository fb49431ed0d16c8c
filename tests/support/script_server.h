// A TCP server on loopback whose every connection is played by a script of the test: for apps that
// answer as no real one would. A thread a connection; all is cut when the object goes.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace wp::test {

class ScriptServer {
 public:
  class Client {
   public:
    explicit Client(int fd) : fd_(fd) {}
    /// An HTTP request, to the end of its body (by its Content-Length). What came when the client
    /// was quicker to leave.
    std::string request();
    /// To the end of its head.
    std::string head();
    /// False when the client is gone.
    bool send(std::string_view bytes);
    /// Until the client has ended the connection, in order or not.
    void wait_end();
    /// Ends it at once, unsent bytes or not: the client sees a reset.
    void reset();

   private:
    int fd_;
    std::string bytes_;
  };
  /// The connection is closed in order when it returns.
  using Script = std::function<void(Client& client)>;

  /// `port` 0: a free one.
  explicit ScriptServer(Script script, int port = 0, bool ipv6 = false);
  /// The same bytes to every request, and the end.
  explicit ScriptServer(std::string answer);
  ~ScriptServer();
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  /// Connections so far, with those that said nothing.
  int accepted() const { return accepted_; }

 private:
  void run();

  const Script script_;
  UniqueFd listener_;
  int port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> clients_;
  std::thread thread_;
};

}  // namespace wp::test
