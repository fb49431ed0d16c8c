// A DNS server for one name, on port 53 of a loopback address of its own: every other name, and
// every question but for an IPv4 address, gets an empty answer. Needs root. Runs on its own thread
// until the object is gone.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace wp::test {

class NameServer {
 public:
  /// `name` is 127.0.0.1. Throws std::runtime_error when the port is not to be had.
  explicit NameServer(std::string name);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  /// For resolv.conf.
  const std::string& address() const { return address_; }
  /// How often it was asked for the name.
  int asked() const { return asked_; }

 private:
  void serve();

  std::string name_;
  std::string address_;
  UniqueFd socket_;
  std::atomic<int> asked_{0};
  std::jthread thread_;
};

}  // namespace wp::test
