#pragma once
/// The options that source, sink and journal of Kafka have in common, and how they become settings of librdkafka, which
/// has some 150 of them.
///
/// A setting has one owner. A setting on which an option or a promise of Weir depends is owned by Weir, and the
/// `librdkafka` map, which sets all others, may not set it: the error names the option to use instead. Passwords come
/// from the environment or a file, and are in no message.
///
/// librdkafka takes certificates and passwords when a client is made, and no others later: whoever has a client while
/// its files are replaced makes another one from `read_again`.
///
/// Thread: values, made at start. Cost: the files are read. Ref: librdkafka CONFIGURATION.md.
#include <weir/base/result.h>
#include <weir/base/sip_hash.h>
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
  std::string password_file{};     ///< empty: there is none
};

/// "ca.pem, password": its certificates and its password's file, for people. Empty: it has none.
std::string files_of(const ClientConfig& config);
/// "certificates", "password", or both: what those files hold.
std::string_view kinds_of_files(const ClientConfig& config);
/// The same with the password that its file holds now.
Result<ClientConfig> read_again(const ClientConfig& config);
/// Tells one state of its files from another.
KeyHash contents_of(const ClientConfig& config);

/// brokers, client_id, tls*, sasl, user, password_*, librdkafka.
std::vector<OptionSpec> client_options();

/// Errors say which option, and never hold a password.
Result<ClientConfig> read_client(std::string part, const Options& options);

/// Whether brokers may have a topic of this name; the error names the option.
Result<void> check_topic(std::string_view option, std::string_view topic);

/// The error for an override of an owned setting.
Result<void> check_overrides(const ClientConfig& config);

}  // namespace weir::kafka
