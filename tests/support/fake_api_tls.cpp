#include "tests/support/fake_api_tls.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace wp::test {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

template <typename T>
T checked(T result) {
  if (!result) throw std::runtime_error("OpenSSL could not make a test certificate");
  return result;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  checked(PEM_write_bio_X509(bio.get(), certificate));
  return text_of(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  checked(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr));
  return text_of(bio.get());
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      checked(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Owned<X509> make(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
                 const std::string& alt_names) {
  Owned<X509> certificate(checked(X509_new()));
  X509* const made = certificate.get();
  X509* const by = issuer == nullptr ? made : issuer;
  X509_set_version(made, 2);
  unsigned char serial = 1;
  RAND_bytes(&serial, 1);
  ASN1_INTEGER_set(X509_get_serialNumber(made), serial + 1);
  X509_gmtime_adj(X509_getm_notBefore(made), -60);
  X509_gmtime_adj(X509_getm_notAfter(made), 3600);
  X509_set_pubkey(made, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(by));
  add_extension(made, by, NID_basic_constraints,
                issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  // As real ones have them: they tell two authorities of the same name apart (a rotated CA).
  add_extension(made, by, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) add_extension(made, by, NID_authority_key_identifier, "keyid:always");
  if (!alt_names.empty()) add_extension(made, by, NID_subject_alt_name, alt_names);
  checked(X509_sign(made, issuer_key, EVP_sha256()));
  return certificate;
}

}  // namespace

SslContext server_context(const ApiTls& tls) {
  SslContext context(checked(SSL_CTX_new(TLS_server_method())));
  const Owned<BIO> certificate(BIO_new_mem_buf(tls.certificate.data(), -1));
  const Owned<X509> leaf(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
  const Owned<BIO> key_text(BIO_new_mem_buf(tls.key.data(), -1));
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  checked(SSL_CTX_use_certificate(context.get(), leaf.get()));
  checked(SSL_CTX_use_PrivateKey(context.get(), key.get()));
  if (!tls.ca.empty()) {
    const Owned<BIO> ca_text(BIO_new_mem_buf(tls.ca.data(), -1));
    const Owned<X509> ca(PEM_read_bio_X509(ca_text.get(), nullptr, nullptr, nullptr));
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), ca.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

struct TestCa::Impl {
  Owned<EVP_PKEY> key{checked(EVP_EC_gen("P-256"))};
  Owned<X509> certificate = make("test CA", key.get(), nullptr, key.get(), "");
  std::string pem = to_pem(certificate.get());
};

TestCa::TestCa() : impl_(std::make_unique<Impl>()) {}
TestCa::~TestCa() = default;

const std::string& TestCa::pem() const {
  return impl_->pem;
}

ApiTls TestCa::issue(const std::string& name, const std::string& alt_names) const {
  const Owned<EVP_PKEY> key(checked(EVP_EC_gen("P-256")));
  const Owned<X509> made =
      make(name, key.get(), impl_->certificate.get(), impl_->key.get(), alt_names);
  return {.ca = {}, .certificate = to_pem(made.get()), .key = to_pem(key.get())};
}

}  // namespace wp::test
