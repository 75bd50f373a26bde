#pragma once
/// The options that source, sink and journal of Kafka have in common, and how they become settings of librdkafka, which
/// has some 150 of them.
///
/// A setting has one owner. A setting on which an option or a promise of Weir depends is owned by Weir, and the
/// `librdkafka` map, which sets all others, may not set it: the error names the option to use instead. Passwords are
/// read once, from the environment or a file, and are in no message.
///
/// Thread: values, made at start. Cost: a file is read for a password. Ref: librdkafka CONFIGURATION.md.
#include <weir/base/result.h>
#include <weir/component/options.h>

#include <string>
#include <vector>

namespace weir::kafka {

/// A setting of librdkafka that a part of ours owns.
struct Setting {
  std::string key, value;
  std::string option{};  ///< of ours that it is made from; empty: a promise depends on it
};

struct ClientConfig {
  std::string part;  ///< "source orders": how log lines begin
  std::vector<std::string> brokers;
  std::vector<Setting> settings;   ///< owned: brokers, TLS, SASL, name, then what the part adds
  Options::Table overrides;        ///< the `librdkafka` map
  std::optional<Error> missing{};  ///< what this machine has not got: the password's file or variable
};

/// brokers, client_id, tls*, sasl, user, password_*, librdkafka.
std::vector<OptionSpec> client_options();

/// Errors say which option, and never hold a password.
Result<ClientConfig> read_client(std::string part, const Options& options);

/// Whether brokers may have a topic of this name; the error names the option.
Result<void> check_topic(std::string_view option, std::string_view topic);

/// The error for an override of an owned setting.
Result<void> check_overrides(const ClientConfig& config);

}  // namespace weir::kafka
