#pragma once
/// Passwords that people write into an address, hidden where a configuration is shown.
///
///   postgres://shop:hunter2@db/orders        postgres://shop:<secret>@db/orders
///   host=db password=hunter2 user=shop       host=db password=<secret> user=shop
///   https://hooks.example/in?token=abc&x=1   https://hooks.example/in?token=<secret>&x=1
///
/// Thread: pure functions. Cost: O(length).
#include <string>
#include <string_view>

namespace weir::config {

/// Is what this names a secret: sslpassword, sasl.password, client_secret, X-Api-Key ...
bool names_secret(std::string_view name);
std::string hide_passwords(std::string_view text);

}  // namespace weir::config
