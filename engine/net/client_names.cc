#include "net/client_names.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace weir::net {
namespace {

using Names = std::vector<std::string>;

int names_index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* names, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Names*>(names); });
  return index;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same(std::string_view a, std::string_view b, bool whatever_case) {
  return whatever_case ? std::ranges::equal(a, b, {}, lower, lower) : a == b;
}

/// With its length: a zero byte inside ends nothing.
std::string_view view(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

bool is_alternative_name(const X509* certificate, const Names& names) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int type = 0;
    const auto* text =
        static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type));
    if (type != GEN_DNS && type != GEN_EMAIL && type != GEN_URI) continue;
    if (std::ranges::any_of(names, [&](const auto& name) { return same(view(text), name, type == GEN_DNS); }))
      return true;
  }
  return false;
}

bool is_common_name(const X509* certificate, const Names& names) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    const std::string name(reinterpret_cast<const char*>(utf8), size > 0 ? static_cast<std::size_t>(size) : 0);
    OPENSSL_free(utf8);
    if (size > 0 && std::ranges::find(names, name) != names.end()) return true;
  }
  return false;
}

/// Called for each certificate of the chain, the client's own last.
int verify(int sound, X509_STORE_CTX* store) {
  if (!sound || X509_STORE_CTX_get_error_depth(store) != 0) return sound;
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* names = static_cast<const Names*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), names_index()));
  const X509* certificate = X509_STORE_CTX_get_current_cert(store);
  if (names->empty() || is_alternative_name(certificate, *names) || is_common_name(certificate, *names)) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

}  // namespace

void demand_certificates(ssl_ctx_st* context, const std::string& ca, const std::vector<std::string>& names) {
  SSL_CTX_set_ex_data(context, names_index(), new Names(names));  // freed with the context
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(ca.c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify);
}

}  // namespace weir::net
