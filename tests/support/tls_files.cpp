#include "tests/support/tls_files.h"

#include <atomic>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace wp::test {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

template <typename T>
T checked(T result) {
  if (!result) throw std::runtime_error("OpenSSL could not make a test certificate");
  return result;
}

template <typename Write>
std::string to_pem(Write write) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  checked(write(bio.get()));
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
  return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string to_pem(EVP_PKEY* key) {
  return to_pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

void extend(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> made(
      checked(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str())));
  X509_add_ext(certificate, made.get(), -1);
}

}  // namespace

struct Authority::Impl {
  Impl() : key(checked(EVP_EC_gen("P-256"))) {
    certificate = sign("test authority", key.get(), nullptr, "", 3600);
    pem = to_pem(certificate.get());
  }

  // Without an issuer it signs itself.
  Owned<X509> sign(const std::string& name, EVP_PKEY* subject_key, X509* issuer,
                   const std::string& alt_names, long seconds) const {
    static std::atomic<long> serial = 1;
    Owned<X509> made(checked(X509_new()));
    X509* const by = issuer == nullptr ? made.get() : issuer;
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), seconds);
    X509_set_pubkey(made.get(), subject_key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), X509_get_subject_name(by));
    extend(made.get(), by, NID_basic_constraints,
           issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    // As real ones have them: they tell two authorities of the same name apart (a rotation).
    extend(made.get(), by, NID_subject_key_identifier, "hash");
    if (issuer != nullptr) extend(made.get(), by, NID_authority_key_identifier, "keyid:always");
    if (!alt_names.empty()) extend(made.get(), by, NID_subject_alt_name, alt_names);
    checked(X509_sign(made.get(), key.get(), EVP_sha256()));
    return made;
  }

  Owned<EVP_PKEY> key;
  Owned<X509> certificate;
  std::string pem;
};

Authority::Authority() : impl_(std::make_unique<Impl>()) {}
Authority::~Authority() = default;

const std::string& Authority::pem() const {
  return impl_->pem;
}

Certificate Authority::issue(const std::string& name, const std::string& alt_names,
                             long seconds) const {
  const Owned<EVP_PKEY> key(checked(EVP_EC_gen("P-256")));
  const Owned<X509> made =
      impl_->sign(name, key.get(), impl_->certificate.get(), alt_names, seconds);
  return {to_pem(made.get()), to_pem(key.get())};
}

}  // namespace wp::test
