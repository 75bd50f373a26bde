#include "net/credentials.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <string>
#include <vector>

namespace weir::net {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest digest(std::string_view text) {
  Digest out;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
  return out;
}

std::string base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');  // the call ends it with a zero
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

/// All are looked at, whichever it is.
bool holds(const std::vector<Digest>& all, const Digest& sent) {
  int found = 0;
  for (const Digest& one : all) found |= static_cast<int>(CRYPTO_memcmp(one.data(), sent.data(), sent.size()) == 0);
  return found != 0;
}

bool same_scheme(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// The value of the one Authorization field; empty when there is none, or more than one.
std::string_view authorization(const Head& head) {
  constexpr std::string_view name = "Authorization";
  const auto value = head.header(name);
  if (value.empty()) return {};
  Head rest;
  rest.fields = head.fields.substr(static_cast<std::size_t>(value.data() + value.size() - head.fields.data()));
  return rest.header(name).empty() ? value : std::string_view{};
}

}  // namespace

struct Credentials::Known {
  explicit Known(const Logins& logins) {
    for (const auto& token : logins.tokens) tokens.push_back(digest(token));
    for (const auto& [name, password] : logins.users) users.push_back(digest(base64(name + ":" + password)));
  }
  std::vector<Digest> tokens, users;
};

struct Credentials::Shared {
  std::mutex mutex;
  std::shared_ptr<const Known> known;
};

Credentials::Credentials(const Logins& logins) {
  if (logins == Logins{}) return;
  shared_ = std::make_shared<Shared>();
  replace(logins);
}

void Credentials::replace(const Logins& logins) const {
  if (!shared_) return;
  auto known = std::make_shared<const Known>(logins);
  std::lock_guard lock(shared_->mutex);
  shared_->known = std::move(known);
}

std::shared_ptr<const Credentials::Known> Credentials::known() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->known;
}

bool Credentials::let_in(const Head& head) const {
  if (!shared_) return true;
  const auto sent = authorization(head);
  const auto end = std::min(sent.find(' '), sent.size());
  const auto secret = sent.substr(std::min(sent.find_first_not_of(' ', end), sent.size()));
  if (secret.empty()) return false;
  const auto all = known();
  if (same_scheme(sent.substr(0, end), "Bearer")) return holds(all->tokens, digest(secret));
  return same_scheme(sent.substr(0, end), "Basic") && holds(all->users, digest(secret));
}

std::string_view Credentials::challenge() const {
  if (!shared_) return {};
  const auto all = known();
  if (all->users.empty()) return "WWW-Authenticate: Bearer realm=\"weir\"\r\n";
  if (all->tokens.empty()) return "WWW-Authenticate: Basic realm=\"weir\", charset=\"UTF-8\"\r\n";
  return "WWW-Authenticate: Bearer realm=\"weir\"\r\nWWW-Authenticate: Basic realm=\"weir\", charset=\"UTF-8\"\r\n";
}

}  // namespace weir::net
