#include "tests/portable/name_server.h"

#include <arpa/inet.h>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <utility>

namespace wp::test {
namespace {

constexpr std::size_t kHeader = 12;
constexpr int kTypeA = 1;

// The name of the question and where its type stands. RFC 1035, 4.1.2; questions are not
// compressed.
std::pair<std::string, std::size_t> question_name(const std::string& packet) {
  std::string name;
  std::size_t at = kHeader;
  while (at < packet.size() && packet[at] != 0) {
    const auto length = static_cast<unsigned char>(packet[at]);
    if (!name.empty()) name += '.';
    name += packet.substr(at + 1, length);
    at += 1 + length;
  }
  return {name, at + 1};
}

std::string reply_to(const std::string& packet, std::size_t type_at, bool with_answer) {
  std::string reply = packet.substr(0, type_at + 4);
  reply[2] = static_cast<char>(0x84);  // an answer, with authority
  reply[3] = 0;                        // no error
  std::memset(reply.data() + 6, 0, 6);
  if (!with_answer) return reply;
  reply[7] = 1;
  // The name of the question, type A, class IN, 60 s, four bytes: 127.0.0.1.
  reply += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1", 16);
  return reply;
}

}  // namespace

NameServer::NameServer(std::string name)
    : name_(std::move(name)), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  // One of 127.0.0.0/8 by this process's number, so that tests can run side by side.
  const int number = ::getpid();
  address_ = fmt::format("127.53.{}.{}", number / 250 % 250 + 1, number % 250 + 1);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(53);
  inet_pton(AF_INET, address_.c_str(), &where.sin_addr);
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
    throw std::runtime_error(fmt::format("{}:53: {}", address_, std::strerror(errno)));
  }
  thread_ = std::jthread([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd ready{socket_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 50) > 0) serve();
    }
  });
}

NameServer::~NameServer() = default;

void NameServer::serve() {
  std::string packet(1500, '\0');
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  auto* const address = reinterpret_cast<sockaddr*>(&peer);
  const ssize_t length = ::recvfrom(socket_.get(), packet.data(), packet.size(), 0, address, &size);
  if (length < static_cast<ssize_t>(kHeader)) return;
  packet.resize(static_cast<std::size_t>(length));
  const auto [name, type_at] = question_name(packet);
  if (type_at + 4 > packet.size()) return;
  const bool ours = name == name_;
  if (ours) ++asked_;
  const std::string reply = reply_to(packet, type_at, ours && packet[type_at + 1] == kTypeA);
  (void)::sendto(socket_.get(), reply.data(), reply.size(), 0, address, size);
}

}  // namespace wp::test
