#include "queue/redis/tls_context.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "queue/redis/error.h"
#include "queue/redis/files.h"
#include "queue/redis/trust_store.h"

namespace wp::redis {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

[[noreturn]] void refuse_tls(const std::string& why) {
  ERR_clear_error();
  throw Error(ErrorClass::tls, "TLS: " + why);
}

// PEM text with a name for errors: "the CA file /x".
struct Pem {
  std::string what;
  std::string text;
};

Pem pem_of(const std::string& what, const std::string& file, const std::string& text) {
  if (file.empty()) return {what, text};
  return {fmt::format("{} file {}", what, file), read_file(file, what + " file", ErrorClass::tls)};
}

Owned<BIO> reader(const Pem& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
}

Owned<X509> next_certificate(BIO* bio) {
  return Owned<X509>(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
}

// An encrypted key would make OpenSSL ask on the terminal; we have none.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

void trust(SSL_CTX* context, const Tls& tls) {
  const Pem ca = pem_of("the CA", tls.ca_file, tls.ca_pem);
  if (tls.ca_file.empty() && ca.text.empty()) {
    trust_system(context, root_bundles());
    return;
  }
  Owned<X509_STORE> store(X509_STORE_new());
  const Owned<BIO> bio = reader(ca);
  int count = 0;
  while (const Owned<X509> root = next_certificate(bio.get())) {
    X509_STORE_add_cert(store.get(), root.get());
    ++count;
  }
  ERR_clear_error();  // the end of the text is an "error" as well
  if (count == 0) refuse_tls(ca.what + " holds no certificate (PEM)");
  SSL_CTX_set_cert_store(context, store.release());
}

void identify(SSL_CTX* context, const Tls& tls) {
  const Pem cert = pem_of("the client certificate", tls.cert_file, tls.cert_pem);
  const Pem key = pem_of("the client key", tls.key_file, tls.key_pem);
  if (cert.text.empty() && key.text.empty() && tls.cert_file.empty() && tls.key_file.empty()) {
    return;
  }
  const Owned<BIO> chain = reader(cert);
  const Owned<X509> leaf = next_certificate(chain.get());
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    refuse_tls(cert.what + " holds no certificate (PEM)");
  }
  while (Owned<X509> issuer = next_certificate(chain.get())) {
    if (SSL_CTX_add_extra_chain_cert(context, issuer.get()) == 1) {
      static_cast<void>(issuer.release());  // the context owns it now
    }
  }
  const Owned<BIO> bio = reader(key);
  const Owned<EVP_PKEY> secret(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!secret) refuse_tls(key.what + " holds no key without a passphrase (PEM)");
  if (SSL_CTX_use_PrivateKey(context, secret.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    refuse_tls(fmt::format("{} does not belong to {}", key.what, cert.what));
  }
}

bool is_ip_address(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

}  // namespace

SslContext make_tls_context(const Tls& tls) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) refuse_tls("OpenSSL gives no context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // RESP says where a reply ends: an end without TLS's goodbye is an end like any other.
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  identify(context.get(), tls);
  if (tls.insecure_skip_verify) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    return context;
  }
  trust(context.get(), tls);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

SslStream make_tls_stream(SSL_CTX* context, const std::string& name) {
  SslStream ssl(SSL_new(context));
  if (!ssl) refuse_tls("OpenSSL gives no stream");
  if (is_ip_address(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str());
    return ssl;
  }
  SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (SSL_set1_host(ssl.get(), name.c_str()) != 1) refuse_tls("the server's name is not usable");
  SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(name.c_str()));
  return ssl;
}

}  // namespace wp::redis
