#include "client_options.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>

namespace weir::kafka {
namespace {

constexpr std::size_t longest_password = 4096, longest_file = 1 << 20;

Result<std::string> password_from_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(longest_password + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad())
    return failure(fmt::format("password_file: {} cannot be read: give this user permission to", terminal_text(path)));
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty() || text.size() > longest_password)
    return failure(
        fmt::format("password_file: {} must hold a password of 1 to {} bytes", terminal_text(path), longest_password));
  return text;
}

Result<std::string> password(const Options& o) {
  if (o.has("password_file")) return password_from_file(o.text("password_file"));
  const char* value = std::getenv(o.text("password_env").c_str());
  if (!value || !*value)
    return failure(fmt::format("password_env: the environment holds no {}", terminal_text(o.text("password_env"))));
  return std::string(value);
}

Result<void> add_tls(const Options& o, std::vector<Setting>& settings) {
  constexpr std::pair<const char*, const char*> files[] = {
      {"tls_ca", "ssl.ca.location"}, {"tls_certificate", "ssl.certificate.location"}, {"tls_key", "ssl.key.location"}};
  for (const auto& [option, key] : files) {
    if (!o.has(option)) continue;
    if (!o.get_or("tls", false)) return failure(fmt::format("{} without tls: add tls: true", option));
    settings.push_back({key, o.text(option), option});
  }
  if (o.has("tls_certificate") != o.has("tls_key"))
    return failure("tls_certificate and tls_key belong together: give both, or none");
  return {};
}

Result<void> add_sasl(const Options& o, ClientConfig& config) {
  const std::string mechanism = o.get_or<std::string>("sasl", "none");
  if (mechanism == "none") {
    for (const char* option : {"user", "password_env", "password_file"})
      if (o.has(option))
        return failure(fmt::format("{} without sasl: say how to log in, as sasl: SCRAM-SHA-512", option));
    return {};
  }
  if (!o.has("user")) return failure("sasl needs a user: name it with user");
  if (o.has("password_env") == o.has("password_file"))
    return failure("sasl needs a password: name its variable with password_env, or its file with password_file");
  config.settings.push_back({"sasl.mechanism", mechanism, "sasl"});
  config.settings.push_back({"sasl.username", o.text("user"), "user"});
  config.password_file = o.get_or<std::string>("password_file", "");
  auto secret = password(o);
  if (secret)
    config.settings.push_back({"sasl.password", std::move(*secret), "password_env"});
  else
    config.missing = std::move(secret.error());
  return {};
}

/// HOST, HOST:PORT or [IPv6]:PORT, with librdkafka's SCHEME:// before it or not.
bool is_broker(std::string_view text) {
  if (const auto scheme = text.find("://"); scheme != text.npos) text.remove_prefix(scheme + 3);
  const bool brackets = text.starts_with('[');
  const auto end = brackets ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == text.npos || end == (brackets ? 1U : 0U)) return false;
  const auto host = text.substr(0, end);
  if (host.find_first_of(" /,@") != host.npos) return false;
  text.remove_prefix(end + (brackets ? 1 : 0));
  if (text.empty()) return true;
  unsigned port = 0;
  const auto [stop, error] = std::from_chars(text.data() + 1, text.data() + text.size(), port);
  return text[0] == ':' && error == std::errc{} && stop == text.data() + text.size() && port > 0 && port < 65536;
}

}  // namespace

std::vector<OptionSpec> client_options() {
  using enum OptionKind;
  return {
      {"brokers", texts, {}, true, "Where to find the cluster: HOST:PORT of some of its brokers."},
      {"client_id", text, "weir", false, "The name brokers know this client by, in their logs and quotas."},
      {"tls", boolean, "false", false, "Speak TLS, and check the brokers' certificates and names."},
      {"tls_ca", path, {}, false, "PEM file of the certificates to trust; the system's without it."},
      {"tls_certificate", path, {}, false, "PEM file of the certificate to show."},
      {"tls_key", path, {}, false, "PEM file with the certificate's private key, without a password."},
      {"sasl", choice, "none", false, "How to log in.", {"none", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}},
      {"user", text, {}, false, "Who logs in."},
      {"password_env", text, {}, false, "The variable of the environment that holds the password."},
      {"password_file", path, {}, false, "The file that holds the password."},
      {.name = "librdkafka",
       .kind = table,
       .help = "Settings of librdkafka by its own names, for what has no option here.",
       .may_hold_secrets = true},
  };
}

Result<ClientConfig> read_client(std::string part, const Options& o) {
  ClientConfig config{.part = std::move(part), .brokers = {}, .settings = {}, .overrides = o.table("librdkafka")};
  config.brokers = o.get<std::vector<std::string>>("brokers");
  std::string list;
  for (const auto& broker : config.brokers) list += (list.empty() ? "" : ",") + broker;
  if (list.empty()) return failure("brokers is empty: name some of the cluster's brokers, as 127.0.0.1:9092");
  for (std::string_view rest = list; !rest.empty();) {  // one text may name several
    const auto broker = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(broker.size() + 1, rest.size()));
    if (broker.find('@') != broker.npos)  // behind a password, as a rule, which no message may show
      return failure(
          "brokers: one names a user: write HOST:PORT alone, as 127.0.0.1:9092, and the user as sasl_username");
    if (!is_broker(broker))
      return failure(
          fmt::format("brokers: {} is no address: write HOST:PORT, as 127.0.0.1:9092", terminal_text(broker)));
  }
  const bool tls = o.get_or("tls", false), sasl = o.get_or<std::string>("sasl", "none") != "none";
  auto& settings = config.settings;
  settings.push_back({"bootstrap.servers", list, "brokers"});
  settings.push_back({"client.id", o.get_or<std::string>("client_id", "weir"), "client_id"});
  settings.push_back(
      {"security.protocol", sasl ? (tls ? "sasl_ssl" : "sasl_plaintext") : (tls ? "ssl" : "plaintext"), "tls"});
  if (tls) settings.push_back({"ssl.endpoint.identification.algorithm", "https", ""});
  if (auto added = add_tls(o, settings); !added) return std::unexpected(std::move(added.error()));
  if (auto added = add_sasl(o, config); !added) return std::unexpected(std::move(added.error()));
  return config;
}

std::string files_of(const ClientConfig& config) {
  std::string files = config.password_file;
  for (const Setting& setting : config.settings)
    if (setting.option.starts_with("tls_")) files += (files.empty() ? "" : ", ") + setting.value;
  return files;
}

std::string_view kinds_of_files(const ClientConfig& config) {
  const bool certificates =
      std::ranges::any_of(config.settings, [](const Setting& s) { return s.option.starts_with("tls_"); });
  if (config.password_file.empty()) return "certificates";
  return certificates ? "certificates and password" : "password";
}

Result<ClientConfig> read_again(const ClientConfig& config) {
  ClientConfig next = config;
  if (config.password_file.empty()) return next;
  auto secret = password_from_file(config.password_file);
  if (!secret) return std::unexpected(std::move(secret.error()));
  for (Setting& setting : next.settings)
    if (setting.key == "sasl.password") setting.value = *secret;
  return next;
}

KeyHash contents_of(const ClientConfig& config) {
  std::string all;
  for (const Setting& setting : config.settings) {
    all += setting.option + '\0' + setting.value + '\0';
    if (!setting.option.starts_with("tls_")) continue;
    std::ifstream file(setting.value, std::ios::binary);
    std::string text(longest_file, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    all.append(text, 0, static_cast<std::size_t>(file.gcount()));
  }
  return sip_hash(all, {});
}

Result<void> check_topic(std::string_view option, std::string_view topic) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  constexpr std::size_t longest = 249;
  if (topic != "." && topic != ".." && !topic.empty() && topic.size() <= longest &&
      topic.find_first_not_of(allowed) == topic.npos)
    return {};
  return failure(fmt::format("{}: {} is no name of a topic: 1 to {} letters, digits, dots, _ and -", option,
                             terminal_text(topic), longest));
}

Result<void> check_overrides(const ClientConfig& config) {
  const auto owner = [&](const std::string& key) {
    // Other names of the same settings.
    static const std::pair<std::string, std::string> names[] = {{"metadata.broker.list", "bootstrap.servers"},
                                                                {"sasl.mechanisms", "sasl.mechanism"}};
    const auto other = std::ranges::find(names, key, [](const auto& name) { return name.first; });
    return std::ranges::find(config.settings, other == std::end(names) ? key : other->second, &Setting::key);
  };
  for (const auto& [key, value] : config.overrides) {
    const auto own = owner(key);
    if (own == config.settings.end()) continue;
    return failure(
        own->option.empty()
            ? fmt::format("librdkafka: {} is not yours to set: a promise depends on it", terminal_text(key))
            : fmt::format("librdkafka: {} has an option of its own: use {}", terminal_text(key), own->option));
  }
  return {};
}

}  // namespace weir::kafka
