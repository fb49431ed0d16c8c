#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include "queue/redis/error.h"
#include "queue/redis/tls_context.h"
#include "queue/redis/transport.h"

namespace wp::redis {
namespace {

// OpenSSL writes to the socket itself and knows no MSG_NOSIGNAL: the programs ignore SIGPIPE.
class TlsTransport : public Transport {
 public:
  TlsTransport(UniqueFd socket, const Tls& tls, const std::string& host)
      : socket_(std::move(socket)),
        name_(tls.server_name.empty() ? host : tls.server_name),
        roots_(!tls.ca_file.empty() ? "the CA file " + tls.ca_file
               : tls.ca_pem.empty() ? "any of the system's CAs"
                                    : "the given CA"),
        identified_(!tls.cert_file.empty() || !tls.cert_pem.empty()),
        context_(make_tls_context(tls)),
        ssl_(make_tls_stream(context_.get(), name_)) {
    SSL_set_fd(ssl_.get(), socket_.get());
    SSL_set_connect_state(ssl_.get());
  }

  int fd() const override { return socket_.get(); }

  short handshake() override {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    return result == 1 ? short{0} : wait_or_throw(result);
  }

  Moved read(std::span<char> buffer) override {
    std::size_t bytes = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes);
    if (result == 1) return {bytes, 0};
    return {0, wait_or_throw(result)};
  }

  Moved write(std::string_view text) override {
    std::size_t bytes = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), text.data(), text.size(), &bytes);
    if (result == 1) return {bytes, 0};
    try {
      return {0, wait_or_throw(result)};
    } catch (const Error&) {
      hear_last_words();
      throw;
    }
  }

 private:
  // A server that refuses our certificate says so and closes: our writing fails before the reading
  // of its reason, which is the better error.
  void hear_last_words() {
    char ignored = 0;
    std::size_t bytes = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), &ignored, 1, &bytes);
    if (result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_SSL) {
      throw Error(ErrorClass::tls, "TLS: " + explain());
    }
  }

  short wait_or_throw(int result) {
    const int error = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return POLLIN;
      case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
      case SSL_ERROR_SSL:
        throw Error(ErrorClass::tls, "TLS: " + explain());
      case SSL_ERROR_SYSCALL:
        if (error != 0) throw Error(ErrorClass::closed, std::strerror(error));
        break;
      default:
        break;
    }
    throw Error(ErrorClass::closed, SSL_is_init_finished(ssl_.get()) != 0
                                        ? "the server closed the connection"
                                        : "the server closed the connection in the TLS handshake");
  }

  std::string explain() const {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char* const known = ERR_reason_error_string(code);
    const std::string reason = known != nullptr ? known : "unknown failure";
    switch (ERR_GET_REASON(code)) {
      case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return explain_certificate();
      case SSL_R_WRONG_VERSION_NUMBER:
        return "the server does not speak TLS on this port; redis:// is the URL without it";
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "the server offers no TLS 1.2 or newer";
      case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return identified_ ? fmt::format("the server refuses our client certificate ({})", reason)
                           : fmt::format(
                                 "the server refuses us ({}); it may want a client "
                                 "certificate: name its file and the key's",
                                 reason);
      default:
        return reason;
    }
  }

  std::string explain_certificate() const {
    const long result = SSL_get_verify_result(ssl_.get());
    switch (result) {
      case X509_V_ERR_HOSTNAME_MISMATCH:
      case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return fmt::format(
            "the server's certificate is not for {}; if the server is the right one, name one that "
            "the certificate holds as the server name",
            name_);
      case X509_V_ERR_CERT_HAS_EXPIRED:
        return "the server's certificate has expired; renew it";
      case X509_V_ERR_CERT_NOT_YET_VALID:
        return "the server's certificate is not valid yet; are the clocks right?";
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return fmt::format(
            "the server's certificate is not signed by {}; name the file of the CA that signed it",
            roots_);
      default:
        return fmt::format("the server's certificate is refused ({})",
                           X509_verify_cert_error_string(result));
    }
  }

  UniqueFd socket_;
  std::string name_;
  std::string roots_;
  bool identified_;
  SslContext context_;
  SslStream ssl_;
};

}  // namespace

std::unique_ptr<Transport> tls_transport(UniqueFd socket, const Tls& tls, const std::string& host) {
  return std::make_unique<TlsTransport>(std::move(socket), tls, host);
}

}  // namespace wp::redis
