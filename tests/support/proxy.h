// A proxy between two parts, which misbehaves as told: it cuts, half closes, stalls or drops after
// so many bytes of one direction, or delays everything. It listens on a unix socket and on a TCP
// port of 127.0.0.1, and passes bytes to one server as they are. Its own thread; gone with the
// object. All methods may be called from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "queue/redis/endpoint.h"
#include "tests/support/temp_folder.h"

namespace wp::test {

class Proxy {
 public:
  enum class Way { request, reply };  // towards the server, or back
  enum class Fault {
    cut,         // the connection ends, on both sides
    half_close,  // the receiver sees the end of the stream; the other direction goes on
    stall,       // nothing more is passed in this direction, until heal()
    drop,        // what follows in this direction is read and lost, until heal()
  };

  /// Throws std::runtime_error when it can't listen.
  explicit Proxy(redis::Address server);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  redis::Endpoint endpoint() const;
  int port() const { return port_; }

  /// Once `bytes` more have been passed that way, over all connections, the fault happens to the
  /// connection of the byte after them: 0 is before the next byte. One fault at a time; a cut and a
  /// half close happen once.
  void after(Way way, std::size_t bytes, Fault fault);
  /// Every piece is passed so much later.
  void delay(Millis by);
  /// Ends what is broken or will be; what was stalled goes on.
  void heal();
  /// Every connection there is ends now.
  void cut_all();

  /// Faults of after() that have happened.
  int happened() const { return happened_; }
  /// Connections that were accepted.
  int accepted() const { return accepted_; }

 private:
  // One direction of one connection.
  struct Stream {
    std::string bytes;    // read and not passed yet
    Millis due{0};        // not before
    bool ended = false;   // by its sender
    bool closed = false;  // to its receiver
    bool stalled = false;
    bool dropping = false;
  };
  struct Pair {
    UniqueFd client, server;
    Stream request, reply;
    bool over = false;
  };
  struct Plan {
    Way way;
    std::size_t left;
    Fault fault;
  };

  void run();
  void accept_from(int listener);
  void receive(Pair& pair, Way way);
  void pass(Pair& pair, Way way);
  void strike(Pair& pair, Stream& stream, int to);
  void wake() const;

  const redis::Address server_;
  OwnFolder folder_;
  UniqueFd unix_listener_, tcp_listener_, waker_;
  int port_ = 0;
  std::atomic<int> happened_ = 0, accepted_ = 0;

  std::mutex mutex_;  // of all below
  std::list<Pair> pairs_;
  std::optional<Plan> plan_;
  Millis delay_{0};
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace wp::test
