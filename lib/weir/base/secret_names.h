#pragma once
/// What people call fields and settings whose values nobody is to see; in lower case.
///
/// Thread: constants.
#include <array>
#include <string_view>

namespace weir {

inline constexpr std::array<std::string_view, 11> secret_names{
    "password", "passwd",        "pwd",         "secret",      "token",     "api_key",
    "apikey",   "authorization", "credentials", "private_key", "passphrase"};

}  // namespace weir
