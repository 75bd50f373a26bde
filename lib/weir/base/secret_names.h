#pragma once
/// Names that people give to fields and settings whose values must not be shown; in lower case.
///
/// Thread: constants.
#include <array>
#include <string_view>

namespace weir {

inline constexpr std::array<std::string_view, 19> secret_names{
    "password",           "passwd",      "pwd",        "secret", "token",   "api_key",    "apikey",     "authorization",
    "credentials",        "private_key", "passphrase", "cookie", "key_pem", "secret_key", "access_key", "session_id",
    "oauthbearer_config", "signature",   "sig"};

}  // namespace weir
