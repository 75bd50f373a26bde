#pragma once
/// The options by which a listener asks who is there, declared and read the same way by all of them:
///
///   auth_bearer: [file:/run/secrets/weir, "${TOKEN}"]      Authorization: Bearer TOKEN
///   auth_basic: { shop: file:/run/secrets/shop }           Authorization: Basic, name and password
///
/// Any of them lets in. Neither is ever printed. One that is empty (an empty file, a variable set to nothing) would be
/// known to everybody, so it is refused, and so is an empty list.
///
/// Thread: pure. Cost: start and reload only.
#include <weir/base/result.h>
#include <weir/component/options.h>

#include <string>
#include <vector>

namespace weir {

struct Logins {
  std::vector<std::string> tokens;
  Options::Table users;  ///< name -> password
  bool operator==(const Logins&) const = default;
};

std::vector<OptionSpec> auth_options();
/// The error begins with the option's name and tells which of its values is wrong, never the value.
Result<void> check_auth(const Options& options);
/// Both empty: nobody is asked.
Logins logins_of(const Options& options);

}  // namespace weir
