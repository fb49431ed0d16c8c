#include "queue/redis/channel.h"

#include <fmt/format.h>
#include <iterator>

#include "queue/redis/dial.h"

namespace wp::redis {
namespace {

constexpr std::size_t kReadChunk = 64 * 1024;
constexpr Millis kOverrun{1000};  // for a reply that is on its way when its time is over

// hiredis' formatter would allocate the whole text once more for each command.
void append_resp(std::string& out, const Command& command) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", command.size());
  for (const std::string& word : command) {
    fmt::format_to(std::back_inserter(out), "${}\r\n", word.size());
    out += word;
    out += "\r\n";
  }
}

}  // namespace

void Channel::open(const Address& address, const std::optional<Tls>& tls, Millis deadline) {
  close();
  UniqueFd socket = dial(address, waiter_, deadline);
  auto transport = tls ? tls_transport(std::move(socket), *tls, address.host)
                       : plain_transport(std::move(socket));
  while (const short events = transport->handshake()) {
    if (steady_now() > deadline || !waiter_.wait(transport->fd(), events, deadline)) {
      throw Error(ErrorClass::timeout,
                  "no answer to the TLS handshake in time; does the port speak TLS?");
    }
  }
  parser_.emplace(bounds_);
  transport_ = std::move(transport);
}

void Channel::close() {
  transport_.reset();
  parser_.reset();
  out_.clear();
}

void Channel::check_open() const {
  if (!transport_) throw Error(ErrorClass::closed, "not connected");
}

void Channel::append(const Command& command) {
  append_resp(out_, command);
}

void Channel::flush(Millis deadline) {
  check_open();
  std::string_view rest = out_;
  while (!rest.empty()) {
    const Moved moved = transport_->write(rest);
    rest.remove_prefix(moved.bytes);
    if (moved.bytes > 0) continue;
    if (steady_now() > deadline || !waiter_.wait(transport_->fd(), moved.wait_for, deadline)) {
      throw Error(ErrorClass::timeout, "the request could not be sent in time");
    }
  }
  out_.clear();
}

// Tries the socket first: on a busy connection the bytes are there, and poll is a wasted call.
bool Channel::receive(Millis deadline) {
  char buffer[kReadChunk];
  const Moved moved = transport_->read(buffer);
  if (moved.bytes == 0) return waiter_.wait(transport_->fd(), moved.wait_for, deadline);
  parser_->feed({buffer, moved.bytes});
  return true;
}

Reply Channel::read(Millis deadline) {
  check_open();
  Reply reply;
  while (!parser_->next(reply)) {
    // Also while bytes keep coming: a peer that never ends a reply must not hold us.
    if (steady_now() > deadline + kOverrun || !receive(deadline)) {
      throw Error(ErrorClass::timeout, "no reply in time");
    }
  }
  return reply;
}

std::optional<Reply> Channel::read_if_any(Millis begin_by, Millis patience) {
  check_open();
  Reply reply;
  for (;;) {
    if (parser_->next(reply)) return reply;
    if (parser_->has_part()) return read(steady_now() + patience);
    if (!receive(begin_by)) return std::nullopt;
  }
}

std::vector<Reply> Channel::exchange(std::span<const Command> commands, Millis deadline) {
  for (const Command& command : commands) append(command);
  flush(deadline);
  std::vector<Reply> replies;
  replies.reserve(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) replies.push_back(read(deadline));
  return replies;
}

}  // namespace wp::redis
