// A TCP server that says given bytes to whoever has said anything, and then holds the connection or
// ends it: for what a real Redis never does. Its own thread; gone with the object.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "queue/redis/endpoint.h"

namespace wp::test {

class ByteServer {
 public:
  enum class Then { hold, close, repeat };  // repeat: the same bytes for ever

  explicit ByteServer(std::string bytes, Then then = Then::hold);
  ~ByteServer();
  ByteServer(const ByteServer&) = delete;
  ByteServer& operator=(const ByteServer&) = delete;

  redis::Endpoint endpoint() const;
  int port() const { return port_; }
  /// How many connections have sent something.
  int served() const { return served_; }

 private:
  void run();

  const std::string bytes_;
  const Then then_;
  UniqueFd listener_;
  UniqueFd stop_;
  int port_ = 0;
  std::atomic<int> served_ = 0;
  std::thread thread_;
};

}  // namespace wp::test
