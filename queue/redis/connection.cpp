#include "queue/redis/connection.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <set>

#include "queue/redis/login.h"
#include "queue/redis/script.h"
#include "queue/redis/sentinel.h"

namespace wp::redis {
namespace {

constexpr Millis kAskAgain{100};  // between two searches for a master while there is none
constexpr int kReloads = 5;       // of scripts that the server forgot, in one call

Command eval_command(const ScriptCall& call) {
  Command command;
  command.reserve(3 + call.keys.size() + call.args.size());
  command.push_back("EVALSHA");
  command.push_back(call.script->sha1());
  command.push_back(std::to_string(call.keys.size()));
  command.insert(command.end(), call.keys.begin(), call.keys.end());
  command.insert(command.end(), call.args.begin(), call.args.end());
  return command;
}

bool is_no_script(const Reply& reply) {
  return reply.type == Reply::Type::error && classify_reply(reply.bytes) == ErrorClass::no_script;
}

}  // namespace

template <typename Action>
auto Connection::talk(Action action) {
  try {
    return action();
  } catch (const Error& e) {
    close();
    throw Error(e.error_class(), fmt::format("{}: {}", endpoint_.describe(), e.what()));
  }
}

Connection::Connection(Endpoint endpoint, Timeouts timeouts)
    : endpoint_(std::move(endpoint)),
      timeouts_(timeouts),
      channel_(waiter_, {.bytes = timeouts.reply_bytes}) {}

void Connection::close() {
  channel_.close();
  loaded_.clear();
}

void Connection::connect() {
  close();
  talk([this] {
    const Millis deadline = steady_now() + timeouts_.connect;
    if (endpoint_.sentinel) return connect_to_master(deadline);
    channel_.open({endpoint_.host, endpoint_.port, endpoint_.socket_path}, endpoint_.tls, deadline);
    greet();
  });
}

// During a failover the sentinels name the old master for a while, which is away or a replica by
// now: they are asked again until the time is over.
void Connection::connect_to_master(Millis deadline) {
  std::optional<Error> last;  // why they are asked again
  for (;;) {
    std::optional<Address> master;
    try {
      master = find_master(*endpoint_.sentinel, first_sentinel_, channel_, deadline);
      channel_.open(*master, endpoint_.tls, deadline);
      return greet();
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& e) {
      channel_.close();
      // The time was over in the middle of a further try: why there was one says more.
      if (last && e.error_class() == ErrorClass::timeout) throw Error(*last);
      if (!master) throw;
      last.emplace(e.error_class(), fmt::format("master {}: {}", master->describe(), e.what()));
      const bool passes = e.error_class() == ErrorClass::refused ||
                          e.error_class() == ErrorClass::closed ||
                          e.error_class() == ErrorClass::read_only;
      if (!passes || steady_now() + kAskAgain > deadline) throw Error(*last);
    }
    waiter_.pause(steady_now() + kAskAgain);
  }
}

void Connection::greet() {
  std::vector<Command> commands =
      login_commands(endpoint_.username, endpoint_.password, endpoint_.password_file);
  if (endpoint_.database != 0) commands.push_back({"SELECT", std::to_string(endpoint_.database)});
  if (endpoint_.sentinel) commands.push_back({"ROLE"});
  // With TLS 1.3 a server refuses our certificate only after the handshake: its first reply shows.
  const bool only_ping = commands.empty() && endpoint_.tls;
  if (only_ping) commands.push_back({"PING"});
  if (commands.empty()) return;
  const std::vector<Reply> replies = channel_.exchange(commands, steady_now() + timeouts_.reply);
  if (only_ping) return;  // what a server says to it is for the first real command to hear
  throw_first_error(replies);
  if (endpoint_.sentinel && replies.back().at(0).text() != "master") {
    throw Error(ErrorClass::read_only, "is a replica, though the sentinels name it");
  }
}

void Connection::look_at_error(const Reply& reply) {
  if (reply.type != Reply::Type::error) return;
  const ErrorClass error = classify_reply(reply.bytes);
  if (error == ErrorClass::read_only || error == ErrorClass::auth) close();
}

Reply Connection::checked(Reply reply) {
  if (reply.type != Reply::Type::error) return reply;
  look_at_error(reply);
  throw reply_error(reply);
}

Reply Connection::execute(const Command& command) {
  return execute(command, timeouts_.reply);
}

Reply Connection::execute(const Command& command, Millis timeout) {
  return checked(talk([&] {
    const Millis deadline = steady_now() + timeout;
    channel_.append(command);
    channel_.flush(deadline);
    return channel_.read(deadline);
  }));
}

std::vector<Reply> Connection::pipeline(std::span<const Command> commands) {
  std::vector<Reply> replies =
      talk([&] { return channel_.exchange(commands, steady_now() + timeouts_.reply); });
  for (const Reply& reply : replies) look_at_error(reply);
  return replies;
}

void Connection::load_missing(std::span<const ScriptCall> calls) {
  std::set<const Script*> missing;
  for (const ScriptCall& call : calls) {
    if (std::find(loaded_.begin(), loaded_.end(), call.script) == loaded_.end()) {
      missing.insert(call.script);
    }
  }
  if (missing.empty()) return;
  std::vector<Command> loads;
  for (const Script* script : missing) loads.push_back({"SCRIPT", "LOAD", script->source()});
  for (Reply& reply : pipeline(loads)) (void)checked(std::move(reply));
  loaded_.insert(loaded_.end(), missing.begin(), missing.end());
}

std::vector<Reply> Connection::call_all(std::span<const ScriptCall> calls) {
  load_missing(calls);
  std::vector<Command> commands;
  commands.reserve(calls.size());
  for (const ScriptCall& call : calls) commands.push_back(eval_command(call));
  std::vector<Reply> replies = pipeline(commands);
  // More than once: someone may flush again between our loading and our calling.
  for (int i = 0; i < kReloads && repeat_forgotten(calls, replies); ++i) {
  }
  return replies;
}

// Answers whether there was anything to repeat.
bool Connection::repeat_forgotten(std::span<const ScriptCall> calls, std::vector<Reply>& replies) {
  std::vector<ScriptCall> again;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (is_no_script(replies[i])) again.push_back(calls[i]);
  }
  if (again.empty()) return false;
  loaded_.clear();
  load_missing(again);
  std::vector<Command> commands;
  commands.reserve(again.size());
  for (const ScriptCall& call : again) commands.push_back(eval_command(call));
  std::vector<Reply> repeated = pipeline(commands);
  std::size_t next = 0;
  for (Reply& reply : replies) {
    if (is_no_script(reply)) reply = std::move(repeated[next++]);
  }
  return true;
}

Reply Connection::call(const ScriptCall& call) {
  return checked(std::move(call_all(std::span(&call, 1)).front()));
}

void Connection::send(const Command& command) {
  talk([&] {
    channel_.append(command);
    channel_.flush(steady_now() + timeouts_.reply);
  });
}

Reply Connection::read_push(Millis timeout) {
  std::optional<Reply> push = talk([&]() -> std::optional<Reply> {
    try {
      return channel_.read_if_any(steady_now() + timeout, timeouts_.reply);
    } catch (const Interrupted&) {
      if (!channel_.is_between_replies()) throw;
      return std::nullopt;
    }
  });
  return push ? checked(std::move(*push)) : Reply{};
}

}  // namespace wp::redis
