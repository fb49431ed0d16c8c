#include "tests/cluster/proxy/channel.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

namespace wp::testproxy {
namespace {

constexpr unsigned char kHttp1[] = "\x08http/1.1";
constexpr unsigned kHttp1Length = sizeof kHttp1 - 1;

int choose_http1(SSL*, const unsigned char** chosen, unsigned char* length,
                 const unsigned char* offered, unsigned int offered_length, void*) {
  unsigned char* found = nullptr;
  const int how =
      SSL_select_next_proto(&found, length, kHttp1, kHttp1Length, offered, offered_length);
  *chosen = found;
  return how == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

TlsContext context_of(const SSL_METHOD* method, const TlsFiles& files) {
  TlsContext context(SSL_CTX_new(method));
  const bool has_certificate = !files.certificate.empty();
  const bool loaded =
      SSL_CTX_load_verify_locations(context.get(), files.authority.c_str(), nullptr) == 1 &&
      (!has_certificate ||
       (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) == 1 &&
        SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) == 1));
  if (!loaded) throw ChannelError("the certificates cannot be used: " + files.certificate);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // A resumed session would come without the client's certificate.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

void no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

TlsContext serving_context(const TlsFiles& files) {
  TlsContext context = context_of(TLS_server_method(), files);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_http1, nullptr);
  // Clients choose their certificate by the names that the server asks for.
  SSL_CTX_set_client_CA_list(context.get(), SSL_load_client_CA_file(files.authority.c_str()));
  return context;
}

TlsContext calling_context(const TlsFiles& files) {
  TlsContext context = context_of(TLS_client_method(), files);
  SSL_CTX_set_alpn_protos(context.get(), kHttp1, kHttp1Length);
  return context;
}

Channel::Channel(UniqueFd socket, SSL_CTX* context) : socket_(std::move(socket)) {
  no_delay(socket_.get());
  if (context == nullptr) return;
  tls_.reset(SSL_new(context));
  SSL_set_fd(tls_.get(), socket_.get());
}

Channel Channel::accept(UniqueFd socket, SSL_CTX* context) {
  Channel made(std::move(socket), context);
  if (made.tls_ && SSL_accept(made.tls_.get()) != 1)
    throw ChannelError("no handshake with a client");
  return made;
}

Channel Channel::connect(int port, SSL_CTX* context) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw ChannelError(std::string("no connection to the server: ") + std::strerror(errno));
  }
  Channel made(std::move(socket), context);
  if (made.tls_ && SSL_connect(made.tls_.get()) != 1) {
    throw ChannelError("no handshake with the server");
  }
  return made;
}

bool Channel::peer_has_certificate() const {
  return tls_ && SSL_get0_peer_certificate(tls_.get()) != nullptr;
}

void Channel::stop_blocking() const {
  ::fcntl(fd(), F_SETFL, ::fcntl(fd(), F_GETFL) | O_NONBLOCK);
}

// What a read or a write that answered `n` means.
Channel::Moved Channel::moved(long n) const {
  if (n > 0) return {static_cast<std::size_t>(n), false};
  if (!tls_) return {0, n == 0 || (errno != EAGAIN && errno != EINTR)};
  const int why = SSL_get_error(tls_.get(), static_cast<int>(n));
  return {0, why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE};
}

Channel::Moved Channel::read(char* buffer, std::size_t size) {
  ERR_clear_error();
  return moved(tls_ ? SSL_read(tls_.get(), buffer, static_cast<int>(size))
                    : ::recv(fd(), buffer, size, 0));
}

Channel::Moved Channel::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  ERR_clear_error();
  return moved(tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                    : ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

}  // namespace wp::testproxy
