// One connection to Redis: TCP or unix socket, AUTH and SELECT, every wait bounded.
//
// Owned by one thread at a time; only interrupt() may be called from others. After an Error with
// connection_lost() the connection is closed and the outcome of the commands in flight is unknown;
// connect() opens it anew. It never reconnects by itself: whether a command may be repeated is the
// caller's knowledge.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "queue/redis/endpoint.h"
#include "queue/redis/error.h"
#include "queue/redis/reply.h"

struct redisReader;

namespace wp::redis {

class Script;

struct Timeouts {
  Millis connect{3000};
  Millis reply{5000};
  std::size_t reply_bytes = std::size_t{256} << 20;  // a longer reply is an Error(protocol)
};

/// A command as its words. Binary safe.
using Command = std::vector<std::string>;

/// A call of a script: keys and arguments.
struct ScriptCall {
  const Script* script = nullptr;
  std::vector<std::string> keys;
  std::vector<std::string> args;
};

class Connection {
 public:
  explicit Connection(Endpoint endpoint, Timeouts timeouts = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Opens the socket, authenticates, selects the database. Throws Error.
  void connect();
  void close();
  bool connected() const { return static_cast<bool>(socket_); }

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
  /// none came. Throws Error.
  Reply read_push(Millis timeout);
  /// Sends without waiting for a reply (SUBSCRIBE).
  void send(const Command& command);

  /// Makes a wait of the owning thread end soon with Error(closed). Callable from any thread, at
  /// any time; the connection stays unusable until `connect()` is called again.
  void interrupt();
  /// Takes an interruption back before connect(): for owners that go on.
  void clear_interrupt();

  const Endpoint& endpoint() const { return endpoint_; }
  /// Credentials or address change; takes effect at the next connect().
  void set_endpoint(Endpoint endpoint) { endpoint_ = std::move(endpoint); }

 private:
  struct ReaderDeleter {
    void operator()(redisReader* reader) const;
  };

  void append(const Command& command);
  void flush(Millis deadline);
  Reply read_reply(Millis deadline);
  bool wait(short events, Millis deadline);  // false: the deadline passed
  void load_missing(std::span<const ScriptCall> calls);
  [[noreturn]] void fail(ErrorClass error, const std::string& what);

  Endpoint endpoint_;
  Timeouts timeouts_;
  UniqueFd socket_;
  UniqueFd interrupt_;
  std::unique_ptr<redisReader, ReaderDeleter> reader_;
  std::string out_;
  std::vector<const Script*> loaded_;
};

}  // namespace wp::redis
