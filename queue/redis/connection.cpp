#include "queue/redis/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "queue/redis/script.h"

namespace wp::redis {
namespace {

constexpr std::size_t kReadChunk = 64 * 1024;
constexpr std::size_t kMaxErrorText = 200;
constexpr Millis kOverrun{1000};  // for a reply that is on its way when its time is over

Millis deadline_after(Millis wait) {
  return system_clock().steady() + wait;
}

std::string clip(std::string text) {
  if (text.size() > kMaxErrorText) text.resize(kMaxErrorText);
  return text;
}

Reply to_reply(const redisReply& raw) {
  Reply reply;
  switch (raw.type) {
    case REDIS_REPLY_INTEGER:
      reply.type = Reply::Type::integer;
      reply.number = raw.integer;
      break;
    case REDIS_REPLY_STRING:
      reply.type = Reply::Type::text;
      reply.bytes.assign(raw.str, static_cast<std::size_t>(raw.len));
      break;
    case REDIS_REPLY_STATUS:
      reply.type = Reply::Type::status;
      reply.bytes.assign(raw.str, static_cast<std::size_t>(raw.len));
      break;
    case REDIS_REPLY_ERROR:
      reply.type = Reply::Type::error;
      reply.bytes.assign(raw.str, static_cast<std::size_t>(raw.len));
      break;
    case REDIS_REPLY_ARRAY:
      reply.type = Reply::Type::array;
      reply.items.reserve(raw.elements);
      for (std::size_t i = 0; i < raw.elements; ++i)
        reply.items.push_back(to_reply(*raw.element[i]));
      break;
    default:
      break;  // nil
  }
  return reply;
}

Reply checked(Reply reply) {
  if (reply.type == Reply::Type::error) {
    throw Error(classify_reply(reply.bytes), clip(reply.bytes));
  }
  return reply;
}

struct AddressesDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

// The key is short: ids and shas. %zu headers as RESP wants them.
void append_resp(std::string& out, const Command& command) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", command.size());
  for (const std::string& word : command) {
    fmt::format_to(std::back_inserter(out), "${}\r\n", word.size());
    out += word;
    out += "\r\n";
  }
}

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

void Connection::ReaderDeleter::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

Connection::Connection(Endpoint endpoint, Timeouts timeouts)
    : endpoint_(std::move(endpoint)),
      timeouts_(timeouts),
      interrupt_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Connection::~Connection() = default;

void Connection::close() {
  socket_.reset();
  reader_.reset();
  out_.clear();
  loaded_.clear();
}

void Connection::fail(ErrorClass error, const std::string& what) {
  close();
  throw Error(error, fmt::format("{}: {}", endpoint_.describe(), what));
}

void Connection::interrupt() {
  const std::uint64_t one = 1;
  (void)!::write(interrupt_.get(), &one, sizeof one);
}

void Connection::clear_interrupt() {
  std::uint64_t count = 0;
  (void)!::read(interrupt_.get(), &count, sizeof count);
}

bool Connection::wait(short events, Millis deadline) {
  pollfd fds[] = {{socket_.get(), events, 0}, {interrupt_.get(), POLLIN, 0}};
  for (;;) {
    const Millis left = deadline - system_clock().steady();
    const int n = poll(fds, 2, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    if (fds[1].revents != 0) fail(ErrorClass::closed, "interrupted");
    return true;
  }
}

void Connection::connect() {
  close();
  const Millis deadline = deadline_after(timeouts_.connect);
  const auto try_connect = [&](int family, const sockaddr* address, socklen_t length) {
    socket_.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) fail(ErrorClass::refused, std::strerror(errno));
    if (::connect(socket_.get(), address, length) == 0) return 0;
    if (errno != EINPROGRESS && errno != EAGAIN) return errno;
    if (!wait(POLLOUT, deadline)) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  };

  int error = 0;
  if (!endpoint_.socket_path.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (endpoint_.socket_path.size() >= sizeof address.sun_path) {
      fail(ErrorClass::refused, "the socket's path is longer than the system allows");
    }
    endpoint_.socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
    error = try_connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int status =
        getaddrinfo(endpoint_.host.c_str(), std::to_string(endpoint_.port).c_str(), &hints, &found);
    if (status != 0)
      fail(ErrorClass::refused, fmt::format("no such host ({})", gai_strerror(status)));
    const std::unique_ptr<addrinfo, AddressesDeleter> addresses(found);
    for (const addrinfo* it = found; it != nullptr; it = it->ai_next) {
      error = try_connect(it->ai_family, it->ai_addr, it->ai_addrlen);
      if (error == 0) break;
    }
    if (error == 0) {
      const int on = 1;
      setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
  }
  if (error == ETIMEDOUT) fail(ErrorClass::timeout, "no answer to the connection in time");
  if (error != 0) fail(ErrorClass::refused, std::strerror(error));

  reader_.reset(redisReaderCreate());
  try {
    if (!endpoint_.username.empty()) {
      (void)execute({"AUTH", endpoint_.username, endpoint_.password});
    } else if (!endpoint_.password.empty()) {
      (void)execute({"AUTH", endpoint_.password});
    }
    if (endpoint_.database != 0) (void)execute({"SELECT", std::to_string(endpoint_.database)});
  } catch (const Error& e) {
    // Open but not let in: never used as if it were.
    if (e.connection_lost()) throw;
    fail(e.error_class(), e.what());
  }
}

void Connection::append(const Command& command) {
  append_resp(out_, command);
}

void Connection::flush(Millis deadline) {
  if (!socket_) throw Error(ErrorClass::closed, endpoint_.describe() + ": not connected");
  std::size_t sent = 0;
  while (sent < out_.size()) {
    const ssize_t n = ::send(socket_.get(), out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!wait(POLLOUT, deadline))
        fail(ErrorClass::timeout, "the request could not be sent in time");
    } else {
      fail(ErrorClass::closed, std::strerror(errno));
    }
  }
  out_.clear();
}

Reply Connection::read_reply(Millis deadline) {
  char buffer[kReadChunk];
  std::size_t received = 0;
  for (;;) {
    // Also while bytes keep coming: a peer that never ends a reply must not hold us.
    if (system_clock().steady() > deadline + kOverrun)
      fail(ErrorClass::timeout, "no reply in time");
    if (received > timeouts_.reply_bytes) fail(ErrorClass::protocol, "the reply is too large");
    void* raw = nullptr;
    if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
      fail(ErrorClass::protocol, clip(reader_->errstr));
    }
    if (raw != nullptr) {
      const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(
          static_cast<redisReply*>(raw), &freeReplyObject);
      return to_reply(*reply);
    }
    // Tries the socket first: on a busy connection the bytes are there, and poll is a wasted call.
    const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (n > 0) {
      redisReaderFeed(reader_.get(), buffer, static_cast<std::size_t>(n));
      received += static_cast<std::size_t>(n);
    } else if (n == 0) {
      fail(ErrorClass::closed, "the server closed the connection");
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait(POLLIN, deadline)) fail(ErrorClass::timeout, "no reply in time");
    } else if (errno != EINTR) {
      fail(ErrorClass::closed, std::strerror(errno));
    }
  }
}

Reply Connection::execute(const Command& command) {
  return execute(command, timeouts_.reply);
}

Reply Connection::execute(const Command& command, Millis timeout) {
  const Millis deadline = deadline_after(timeout);
  append(command);
  flush(deadline);
  return checked(read_reply(deadline));
}

std::vector<Reply> Connection::pipeline(std::span<const Command> commands) {
  const Millis deadline = deadline_after(timeouts_.reply);
  for (const Command& command : commands) append(command);
  flush(deadline);
  std::vector<Reply> replies;
  replies.reserve(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) replies.push_back(read_reply(deadline));
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

  std::vector<ScriptCall> again;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (is_no_script(replies[i])) again.push_back(calls[i]);
  }
  if (again.empty()) return replies;
  loaded_.clear();
  load_missing(again);
  commands.clear();
  for (const ScriptCall& call : again) commands.push_back(eval_command(call));
  std::vector<Reply> repeated = pipeline(commands);
  std::size_t next = 0;
  for (Reply& reply : replies) {
    if (is_no_script(reply)) reply = std::move(repeated[next++]);
  }
  return replies;
}

Reply Connection::call(const ScriptCall& call) {
  return checked(std::move(call_all(std::span(&call, 1)).front()));
}

void Connection::send(const Command& command) {
  append(command);
  flush(deadline_after(timeouts_.reply));
}

Reply Connection::read_push(Millis timeout) {
  if (!socket_) throw Error(ErrorClass::closed, endpoint_.describe() + ": not connected");
  const Millis deadline = deadline_after(timeout);
  void* raw = nullptr;
  if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
    fail(ErrorClass::protocol, clip(reader_->errstr));
  }
  if (raw != nullptr) {
    const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(
        static_cast<redisReply*>(raw), &freeReplyObject);
    return checked(to_reply(*reply));
  }
  if (!wait(POLLIN, deadline)) return Reply{};
  return checked(read_reply(deadline_after(timeouts_.reply)));
}

}  // namespace wp::redis
