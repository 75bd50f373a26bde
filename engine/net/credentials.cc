#include "net/credentials.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>
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

class Sender final : public async::Caller {
 public:
  explicit Sender(const Exchange& exchange) : exchange_(exchange) {}
  std::string peer() const override { return exchange_.peer(); }

 private:
  const Exchange& exchange_;
};

}  // namespace

struct Credentials::Known {
  explicit Known(const Logins& logins) {
    for (const auto& token : logins.tokens) tokens.push_back(digest(token));
    for (const auto& [name, password] : logins.users) users.push_back(digest(base64(name + ":" + password)));
  }
  std::vector<Digest> tokens, users;
};

struct Credentials::Shared {
  explicit Shared(Guessing g) : guessing(std::move(g)), guesses(guessing.limit) {}
  const Guessing guessing;
  std::mutex mutex;
  std::shared_ptr<const Known> known;
  flow::GuessLimit guesses;
};

Credentials::Credentials(const Logins& logins) : Credentials(logins, Guessing{}) {}

Credentials::Credentials(const Logins& logins, Guessing guessing) {
  if (logins == Logins{}) return;
  shared_ = std::make_shared<Shared>(std::move(guessing));
  replace(logins);
}

void Credentials::replace(const Logins& logins) const {
  if (!shared_) return;
  auto known = std::make_shared<const Known>(logins);
  std::lock_guard lock(shared_->mutex);
  shared_->known = std::move(known);
  shared_->guesses.forget();
}

std::shared_ptr<const Credentials::Known> Credentials::known() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->known;
}

Admitted<void> Credentials::let_in(const Exchange& exchange, TimePoint now) const {
  return let_in(exchange.head(), Sender(exchange), now);
}

/// Heard and judged under one lock, so that no peer has more guesses than it may on several reactors at once.
Admitted<void> Credentials::let_in(const Head& head, const async::Caller& who, TimePoint now) const {
  if (!shared_) return {};
  static const async::ClientKey by_address{.of = async::ClientKey::Of::peer};
  const auto sent = authorization(head);
  const auto end = std::min(sent.find(' '), sent.size());
  const auto secret = sent.substr(std::min(sent.find_first_not_of(' ', end), sent.size()));
  const auto key = [&] { return hash_of(by_address, &who, shared_->guessing.secret); };
  bool was_last = false;
  {
    std::lock_guard lock(shared_->mutex);
    auto& guesses = shared_->guesses;
    if (guesses.remembers(now))
      if (auto heard = guesses.arrive(key(), now); !heard) return heard;
    if (secret.empty()) return rejected(Reason::unauthorized);
    const Digest hash = digest(secret);
    const bool basic = same_scheme(sent.substr(0, end), "Basic");
    const bool known = basic || same_scheme(sent.substr(0, end), "Bearer");
    if (known && holds(basic ? shared_->known->users : shared_->known->tokens, hash)) return {};
    std::uint64_t guess = 0;
    std::memcpy(&guess, hash.data(), sizeof guess);
    was_last = guesses.wrong(key(), guess, now);
  }
  if (was_last && shared_->guessing.on_refused) shared_->guessing.on_refused(who.peer());
  return rejected(Reason::unauthorized);
}

std::string Credentials::sentence_on(const std::string& peer) {
  constexpr flow::GuessLimitConfig limit;
  return fmt::format(
      "{} wrong tokens or passwords came from {} within {} s: nobody there is let in for the rest of them", limit.most,
      peer.empty() ? "an unknown address" : peer, limit.window / std::chrono::seconds(1));
}

std::string_view Credentials::challenge() const {
  if (!shared_) return {};
  const auto all = known();
  if (all->users.empty()) return "WWW-Authenticate: Bearer realm=\"weir\"\r\n";
  if (all->tokens.empty()) return "WWW-Authenticate: Basic realm=\"weir\", charset=\"UTF-8\"\r\n";
  return "WWW-Authenticate: Bearer realm=\"weir\"\r\nWWW-Authenticate: Basic realm=\"weir\", charset=\"UTF-8\"\r\n";
}

}  // namespace weir::net
