// One connection to Redis: TCP, TLS or unix socket, straight or to the master that sentinels name;
// AUTH, SELECT and scripts; every wait bounded.
//
// Owned by one thread at a time; only interrupt() may be called from others. After an Error with
// connection_lost() the connection is closed and the outcome of the commands in flight is unknown;
// connect() opens it anew. It never reconnects by itself: whether a command may be repeated is the
// caller's knowledge. A server that turned into a replica (read_only) or wants another password
// (auth) closes the connection as well: connect() asks the sentinels and reads the files again.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "queue/redis/channel.h"
#include "queue/redis/endpoint.h"
#include "queue/redis/error.h"
#include "queue/redis/reply.h"
#include "queue/redis/waiter.h"

namespace wp::redis {

class Script;

struct Timeouts {
  Millis connect{3000};  // names, sentinels, socket and handshake together
  Millis reply{5000};
  std::size_t reply_bytes = std::size_t{256} << 20;  // a longer reply is an Error(protocol)
};

/// A call of a script: keys and arguments.
struct ScriptCall {
  const Script* script = nullptr;
  std::vector<std::string> keys;
  std::vector<std::string> args;
};

class Connection {
 public:
  explicit Connection(Endpoint endpoint, Timeouts timeouts = {});
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Opens the stream, authenticates, selects the database; with sentinels also makes sure that the
  /// server is a master. Reads the files that the endpoint names. Throws Error.
  void connect();
  void close();
  bool connected() const { return channel_.is_open(); }

  /// Sends one command and waits for its reply. An error reply is thrown as Error.
  Reply execute(const Command& command);
  /// The same with another bound on the wait, for blocking commands.
  Reply execute(const Command& command, Millis timeout);
  /// Sends all, then reads all: one round trip. Error replies stay in place (type error).
  std::vector<Reply> pipeline(std::span<const Command> commands);

  /// EVALSHA; the script is loaded once per connection, and again when the server forgot it.
  Reply call(const ScriptCall& call);
  /// All in one round trip. Error replies stay in place; a forgotten script is loaded and its
  /// calls repeated (they had no effect).
  std::vector<Reply> call_all(std::span<const ScriptCall> calls);

  /// For a subscribed connection: waits for the next push (an array) up to `timeout`; nil when
  /// none came, also when it was interrupted before one began: the connection is then as good as
  /// before, once the interruption is taken back. Throws Error.
  Reply read_push(Millis timeout);
  /// Sends without waiting for a reply (SUBSCRIBE).
  void send(const Command& command);

  /// Makes a wait of the owning thread end soon with Error(closed). Callable from any thread, at
  /// any time; the connection stays unusable until `connect()` is called again.
  void interrupt() { waiter_.interrupt(); }
  /// Takes an interruption back before connect(): for owners that go on.
  void clear_interrupt() { waiter_.clear(); }

  /// How long the next connects and replies are waited for.
  void set_patience(Millis connect, Millis reply) {
    timeouts_.connect = connect;
    timeouts_.reply = reply;
  }

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  void connect_to_master(Millis deadline);
  void greet();
  /// The reply, unless it is an error: then thrown.
  Reply checked(Reply reply);
  void look_at_error(const Reply& reply);
  void load_missing(std::span<const ScriptCall> calls);
  bool repeat_forgotten(std::span<const ScriptCall> calls, std::vector<Reply>& replies);
  /// Runs what talks to the server. An Error ends the connection and gets the place in front.
  template <typename Action>
  auto talk(Action action);

  Endpoint endpoint_;
  Timeouts timeouts_;
  Waiter waiter_;
  Channel channel_;
  std::size_t first_sentinel_ = 0;  // the one that answered last
  std::vector<const Script*> loaded_;
};

}  // namespace wp::redis
