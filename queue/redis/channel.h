// One stream of commands and replies with one server: opened, used and closed, every wait bounded
// by a deadline (steady time) and ended by the Waiter's interruption. It knows no credentials, no
// scripts and no sentinels. Owned by one Connection, used by its thread.
//
// After an Error the stream is in an unknown state: the owner closes it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "queue/redis/endpoint.h"
#include "queue/redis/error.h"
#include "queue/redis/reply.h"
#include "queue/redis/reply_parser.h"
#include "queue/redis/transport.h"
#include "queue/redis/waiter.h"

namespace wp::redis {

/// A command as its words. Binary safe.
using Command = std::vector<std::string>;

class Channel {
 public:
  /// `waiter` outlives this object.
  Channel(const Waiter& waiter, ReplyParser::Bounds bounds) : waiter_(waiter), bounds_(bounds) {}

  /// Connects, and shakes hands when `tls` is given. Throws Error.
  void open(const Address& address, const std::optional<Tls>& tls, Millis deadline);
  void close();
  bool is_open() const { return transport_ != nullptr; }

  /// Puts a command into the buffer that flush() sends.
  void append(const Command& command);
  void flush(Millis deadline);
  /// The next reply; error replies are values. A reply that is on its way when the deadline passes
  /// gets another second.
  Reply read(Millis deadline);
  /// The next reply if it begins before `begin_by`, absent otherwise. Begun, it has `patience`.
  std::optional<Reply> read_if_any(Millis begin_by, Millis patience);
  /// Nothing of a reply has come that was not read.
  bool is_between_replies() const { return is_open() && !parser_->has_part(); }
  /// All commands in one round trip.
  std::vector<Reply> exchange(std::span<const Command> commands, Millis deadline);

 private:
  /// Takes what has come, or waits for it; false when the deadline passed.
  bool receive(Millis deadline);
  void check_open() const;

  const Waiter& waiter_;
  const ReplyParser::Bounds bounds_;
  std::unique_ptr<Transport> transport_;
  std::optional<ReplyParser> parser_;
  std::string out_;
};

}  // namespace wp::redis
