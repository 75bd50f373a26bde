#pragma once
/// The options of a sink `postgres`, evaluated. Secrets are in `connection` only; nothing else holds or prints one.
///
/// Thread: a value. Cost: at start; reads the password's file or variable.
#include <weir/component/options.h>

#include "sql.h"

namespace weir::postgres {

struct Config {
  enum class Mode : std::uint8_t {
    insert,
    copy,
    automatic,  ///< COPY where there is no key and there are copy_from rows
  };
  static constexpr std::size_t copy_from = 5000;

  std::vector<std::pair<std::string, std::string>> connection;  ///< libpq's keywords; may hold a password
  std::string password_file;                                    ///< empty: none
  std::string where;                                            ///< "orders at db:5432"
  Table table;
  std::vector<Column> columns;
  std::vector<std::string> key;  ///< empty: rows are only added, and may double
  bool create = false;
  Mode mode = Mode::insert;
  Duration connect_timeout{}, statement_timeout{};
  Bytes max_statement;
  std::optional<Error> missing{};  ///< what this machine has not got: a file, a variable of the environment
};

/// The first line of the file.
Result<std::string> read_password(const std::string& file);

/// The error is one line about the option at fault, and never quotes what may be a secret.
Result<Config> config_of(const Options& options);

}  // namespace weir::postgres
