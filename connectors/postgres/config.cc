#include "config.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>
#include <weir/base/json_text.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>

namespace weir::postgres {
namespace {

constexpr std::size_t longest_password = 4096;
constexpr Bytes least_statement = 64_KiB, most_statement = 256_MiB;

struct Free {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
  void operator()(char* text) const { PQfreemem(text); }
};
using Keywords = std::vector<std::pair<std::string, std::string>>;

std::string value_of(const Keywords& keywords, std::string_view name) {
  const auto found = std::ranges::find(keywords, name, &Keywords::value_type::first);
  return found == keywords.end() ? std::string() : found->second;
}

Result<Keywords> parse_url(const std::string& url) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, Free> parsed(PQconninfoParse(url.c_str(), &error));
  const std::unique_ptr<char, Free> why(error);
  if (!parsed) {
    // What libpq says quotes what it could not read, which may be a part of a password.
    const bool may_hold_secret = url.find('@') != url.npos || url.find("password") != url.npos;
    return failure(
        fmt::format("url: {}: write postgresql://USER@HOST:PORT/DATABASE, with special characters "
                    "percent-encoded, or KEYWORD=VALUE pairs",
                    may_hold_secret || !error
                        ? "it cannot be read"
                        : terminal_text(std::string_view(error).substr(0, std::string_view(error).find('\n')))));
  }
  Keywords keywords;
  for (const auto* option = parsed.get(); option->keyword; ++option)
    if (option->val && *option->val) keywords.emplace_back(option->keyword, option->val);
  return keywords;
}

std::string where_of(const Keywords& keywords) {
  auto host = value_of(keywords, "host");
  if (host.empty()) host = value_of(keywords, "hostaddr");
  const auto port = value_of(keywords, "port"), database = value_of(keywords, "dbname");
  return terminal_text(fmt::format("{} at {}{}{}", database.empty() ? "PostgreSQL" : database,
                                   host.empty() ? "the local server" : host, port.empty() ? "" : ":", port));
}

/// Nothing: the options name none.
Result<std::optional<std::string>> password_of(const Options& options) {
  const auto variable = options.get_or<std::string>("password_env", "");
  const auto file = options.get_or<std::string>("password_file", "");
  if (!variable.empty()) {
    const char* value = std::getenv(variable.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets one
    if (!value) return failure(fmt::format("password_env: there is no variable {}", json_text(variable)));
    return value;
  }
  if (file.empty()) return std::nullopt;
  return read_password(file);
}

/// The options for TLS, where they are said, override what the URL says.
std::optional<Error> add_tls(const Options& options, Keywords& keywords, std::optional<Error>& missing) {
  for (const auto& [option, keyword] : {std::pair{"tls", "sslmode"},
                                        {"tls_ca", "sslrootcert"},
                                        {"tls_certificate", "sslcert"},
                                        {"tls_key", "sslkey"}}) {
    const auto value = options.get_or<std::string>(option, "");
    if (value.empty()) continue;
    if (keyword != std::string_view("sslmode") && ::access(value.c_str(), R_OK) != 0)
      missing = Error{.message = fmt::format("{}: cannot read {}", option, json_text(value))};
    keywords.emplace_back(keyword, value);
  }
  const auto mode = options.get_or<std::string>("tls", "");
  if (mode.starts_with("verify") && value_of(keywords, "sslrootcert").empty())
    return Error{.message = fmt::format("tls_ca: `tls: {}` needs a file of the certificates to trust, such as "
                                        "/etc/ssl/certs/ca-certificates.crt",
                                        mode)};
  const bool shows_one = options.has("tls_certificate") || options.has("tls_key");
  if (shows_one && value_of(keywords, "sslcert").empty() != value_of(keywords, "sslkey").empty())
    return Error{.message = "tls_certificate: it and tls_key belong together: give both, or none"};
  return std::nullopt;
}

Result<Keywords> connection_of(const Options& options, Config& config) {
  auto keywords = parse_url(options.text("url"));
  if (!keywords) return keywords;
  config.where = where_of(*keywords);
  if (options.has("password_env") && options.has("password_file"))
    return failure("password_env: there is `password_file` already: choose one");
  if (auto wrong = add_tls(options, *keywords, config.missing)) return std::unexpected(std::move(*wrong));
  config.password_file = options.get_or<std::string>("password_file", "");
  auto password = password_of(options);
  if (!password) config.missing = std::move(password.error());
  if (password && *password) keywords->emplace_back("password", **password);
  // The last setting counts: what is sent is UTF-8, whatever else is configured.
  keywords->emplace_back("client_encoding", "UTF8");
  keywords->emplace_back("fallback_application_name", "weir");
  return keywords;
}

Config::Mode mode_of(const Options& options) {
  const auto mode = options.get_or<std::string>("mode", "insert");
  return mode == "copy" ? Config::Mode::copy : mode == "auto" ? Config::Mode::automatic : Config::Mode::insert;
}

/// Key and columns, which depend on each other.
std::optional<Error> lay_out(const Options& options, Config& config) {
  const auto table = options.table("columns");
  const bool copies = config.mode == Config::Mode::copy;
  const bool by_default = table.empty() && !copies;
  config.key = options.get_or("key", by_default ? std::vector<std::string>{"id"} : std::vector<std::string>{});
  if (copies && !config.key.empty())
    return Error{.message = "key: COPY cannot leave out what is there already: leave out `key`, or use `mode: insert`"};
  if (table.empty() && !config.key.empty() && config.key != std::vector<std::string>{"id"})
    return Error{.message = "key: without `columns` it is [id], or [] for a table without an id"};
  if (options.has("id") && (!table.empty() || config.key.empty()))
    return Error{.message = "id: there is no column id without a key, or with `columns`: leave it out"};
  auto columns = table.empty() ? event_columns(!config.key.empty(), options.get_or<std::string>("id", ".id"))
                               : parse_columns(table);
  if (!columns) return columns.error();
  config.columns = std::move(*columns);
  std::set<std::string_view> seen;
  for (const auto& name : config.key) {
    const auto column = std::ranges::find(config.columns, name, &Column::name);
    if (column == config.columns.end() || !seen.insert(name).second)
      return Error{.message = fmt::format("key: {} is not one of `columns`, or is there twice", json_text(name))};
    column->required |= column->from == Column::From::path && column->fallback.empty();
    column->is_key = config.key.size() == 1;
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> read_password(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) return failure(fmt::format("password_file: cannot read a line of {}", json_text(file)));
  if (line.size() > longest_password) return failure("password_file: its first line is too long for a password");
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<Config> config_of(const Options& options) {
  Config config;
  auto connection = connection_of(options, config);
  if (!connection) return std::unexpected(connection.error());
  config.connection = std::move(*connection);
  auto table = parse_table(options.get_or<std::string>("table", "events"));
  if (!table) return std::unexpected(table.error());
  config.table = std::move(*table);
  config.mode = mode_of(options);
  if (auto wrong = lay_out(options, config)) return std::unexpected(std::move(*wrong));
  config.create = options.get_or<bool>("create", false);
  config.connect_timeout = options.get_or<Duration>("connect_timeout", std::chrono::seconds(5));
  config.statement_timeout = options.get_or<Duration>("statement_timeout", std::chrono::seconds(30));
  config.max_statement = options.get_or<Bytes>("max_statement", 2_MiB);
  if (config.max_statement < least_statement || config.max_statement > most_statement)
    return failure("max_statement: from 64KiB to 256MiB");
  if (config.statement_timeout < std::chrono::milliseconds(1) || config.statement_timeout > std::chrono::hours(24))
    return failure("statement_timeout: from 1ms to 24h");
  return config;
}

}  // namespace weir::postgres
