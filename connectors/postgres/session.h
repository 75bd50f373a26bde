#pragma once
/// A session with one server, as the sink needs it: connect, run, cancel. The interface between the sink's decisions
/// and the use of libpq.
///
/// Thread: one, but for `cancel`. Cost: a round trip a request. On cancel: `connect` and `run` return within 0.2 s, and
/// whether the statement was carried out is unknown; so does every later call, until `reset`.
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::postgres {

struct Failure {
  std::string state;    ///< SQLSTATE; empty: the error is not from the server (no connection, no answer in time)
  std::string message;  ///< one line, fit for a terminal, without secrets
};

struct Request {
  const std::string& sql;                      ///< without parameters several statements are allowed
  std::span<const std::string_view> values{};  ///< binary, one a parameter
  std::optional<std::string_view> copy{};      ///< `sql` is a COPY FROM STDIN, and this is what it reads
};

/// Rows of the last statement, as text; NULL is empty. Of one that gives none, one row: how many it added or changed.
using Answer = std::expected<std::vector<std::vector<std::string>>, Failure>;

class Session {
 public:
  virtual ~Session() = default;
  /// There is a connection, and the server has not ended it meanwhile.
  virtual bool connected() = 0;
  virtual std::optional<Failure> connect() = 0;
  virtual Answer run(const Request& request) = 0;
  /// Any thread.
  virtual void cancel() = 0;
  virtual void reset() = 0;
  virtual void close() = 0;
};

}  // namespace weir::postgres
