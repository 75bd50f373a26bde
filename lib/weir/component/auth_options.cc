#include <weir/component/auth_options.h>

#include <algorithm>
#include <string_view>

namespace weir {
namespace {

constexpr std::size_t most_logins = 64, longest_secret = 4096;

/// Empty: a client can send it, and nobody else knows it.
std::string why_no_secret(std::string_view text, bool with_blanks) {
  if (text.empty()) return "is empty: everybody would know it";
  if (text.size() > longest_secret) return "is longer than 4096 bytes";
  if (text == "<secret>") return "is what `weir check --print` writes in the place of a secret";
  if (std::ranges::any_of(text, [&](char c) { return c < (with_blanks ? ' ' : '!') || c == 127; }))
    return with_blanks ? "holds a line feed or another character that no client sends"
                       : "holds a blank, a line feed or another character that no client sends";
  return {};
}

}  // namespace

std::vector<OptionSpec> auth_options() {
  return {
      {.name = "auth_bearer",
       .kind = OptionKind::texts,
       .help = "Tokens: who sends one of them as `Authorization: Bearer TOKEN` is let in, others are answered 401. "
               "Best as file:PATH or ${VARIABLE}.",
       .secret = true},
      {.name = "auth_basic",
       .kind = OptionKind::table,
       .help = "Users, as name: password, that are let in by `Authorization: Basic`. Passwords best as file:PATH or "
               "${VARIABLE}.",
       .secret = true}};
}

Result<void> check_auth(const Options& options) {
  const Logins logins = logins_of(options);
  if (options.has("auth_bearer") && logins.tokens.empty())
    return failure("auth_bearer: is an empty list: leave it out to let everybody in");
  if (options.has("auth_basic") && logins.users.empty())
    return failure("auth_basic: names no user: leave it out to let everybody in");
  if (std::max(logins.tokens.size(), logins.users.size()) > most_logins)
    return failure((logins.tokens.size() > most_logins ? "auth_bearer" : "auth_basic") +
                   std::string(": at most 64 are possible"));
  for (std::size_t i = 0; i < logins.tokens.size(); ++i)
    if (const auto why = why_no_secret(logins.tokens[i], false); !why.empty())
      return failure("auth_bearer: token " + std::to_string(i + 1) + " " + why);
  for (std::size_t i = 0; i < logins.users.size(); ++i) {
    const auto& [name, password] = logins.users[i];
    if (!why_no_secret(name, true).empty() || name.contains(':'))
      return failure("auth_basic: the name of user " + std::to_string(i + 1) +
                     " is empty, or holds a colon or a line feed");
    if (const auto why = why_no_secret(password, true); !why.empty())
      return failure("auth_basic: the password of user " + std::to_string(i + 1) + " " + why);
  }
  return {};
}

Logins logins_of(const Options& options) {
  return {options.get_or<std::vector<std::string>>("auth_bearer", {}), options.table("auth_basic")};
}

}  // namespace weir
