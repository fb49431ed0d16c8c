#include "operator/kube/tls.h"

#include <arpa/inet.h>
#include <memory>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace wp::kube {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> reader(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Owned<X509> next_certificate(BIO* bio) {
  return Owned<X509>(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
}

// An encrypted key would make OpenSSL ask on the terminal; an operator has none.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

void trust(SSL_CTX* context, const std::string& pem) {
  if (pem.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return;
  }
  Owned<X509_STORE> store(X509_STORE_new());
  const Owned<BIO> bio = reader(pem);
  int count = 0;
  while (const Owned<X509> root = next_certificate(bio.get())) {
    X509_STORE_add_cert(store.get(), root.get());
    ++count;
  }
  ERR_clear_error();  // the end of the text is an "error" as well
  if (count == 0) throw std::invalid_argument("the certificate authority holds no certificate");
  SSL_CTX_set_cert_store(context, store.release());
}

void identify(SSL_CTX* context, const TlsMaterial& material) {
  if (material.certificate.empty()) return;
  const Owned<BIO> chain = reader(material.certificate);
  const Owned<X509> leaf = next_certificate(chain.get());
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    ERR_clear_error();
    throw std::invalid_argument("the client certificate cannot be read");
  }
  while (Owned<X509> issuer = next_certificate(chain.get())) {
    if (SSL_CTX_add_extra_chain_cert(context, issuer.get()) == 1) {
      static_cast<void>(issuer.release());  // the context owns it now
    }
  }
  const Owned<BIO> bio = reader(material.key);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!key) {
    throw std::invalid_argument("the client key cannot be read (it must not have a passphrase)");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    throw std::invalid_argument("the client key does not belong to the client certificate");
  }
}

TlsPeer& peer_of(const SSL* ssl) {
  return *static_cast<TlsPeer*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

int on_verify(int ok, X509_STORE_CTX* store) {
  if (ok != 1) {
    const int index = SSL_get_ex_data_X509_STORE_CTX_idx();
    const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, index));
    peer_of(ssl).problem = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
  }
  return ok;
}

// The HTTP library names the host it connects to in the ClientHello, even when that is an IP
// address (which RFC 6066 forbids) or when another name is expected. This runs just before the
// ClientHello is written, and has the last word.
void on_handshake(const SSL* ssl, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  const std::string& sni = peer_of(ssl).sni;
  // The callback's type says const, yet OpenSSL documents it as the place to adjust the connection.
  SSL* const connection = const_cast<SSL*>(ssl);
  SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           sni.empty() ? nullptr : const_cast<char*>(sni.c_str()));
}

}  // namespace

bool is_ip_address(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

TlsPeer tls_peer(const TlsMaterial& material, const std::string& host) {
  TlsPeer peer;
  peer.name = material.server_name.empty() ? host : material.server_name;
  if (!is_ip_address(peer.name)) peer.sni = peer.name;
  return peer;
}

void configure_tls(SSL_CTX* context, const TlsMaterial& material, TlsPeer& peer) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_app_data(context, &peer);
  SSL_CTX_set_info_callback(context, on_handshake);
  identify(context, material);
  if (material.insecure) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return;
  }
  trust(context, material.ca);
  X509_VERIFY_PARAM* const expected = SSL_CTX_get0_param(context);
  if (is_ip_address(peer.name)) {
    X509_VERIFY_PARAM_set1_ip_asc(expected, peer.name.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(expected, peer.name.c_str(), peer.name.size());
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
}

void check_tls_material(const TlsMaterial& material) {
  const Owned<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  TlsPeer peer = tls_peer(material, "localhost");
  configure_tls(context.get(), material, peer);
}

std::string take_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string text = reason == nullptr ? "" : reason;
  ERR_clear_error();
  return text;
}

}  // namespace wp::kube
