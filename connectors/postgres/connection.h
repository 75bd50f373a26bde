#pragma once
/// libpq without its blocking calls: every wait is a poll(2) over the socket and an eventfd, so that it ends at its
/// time limit or when it is cancelled.
///
///   connect   PQconnectStart, PQconnectPoll            within connect_timeout
///   run       PQsendQueryParams, PQflush, PQgetResult  within statement_timeout + connect_timeout; COPY in pieces of
///             64 KiB, so that libpq gathers no more
///
/// The server's statement_timeout ends what takes too long; a local time limit, a little later, is for a server or
/// network that no longer answers: then the connection is closed. Cancelled, the server is told (on a thread that is
/// not waited for: libpq's cancel blocks, and the network may be gone) and the connection is given up too.
///
/// A limit that cannot be kept: libpq looks up host names with the resolver, which has its own time-outs.
///
/// Memory: what libpq has to send, rounded up to a power of two, and what it reads; it never gives that back before it
/// is closed. Thread: one; `cancel` any. Cost: 2 system calls a round trip more than blocking. Ref: libpq-async.
#include <weir/base/context.h>

#include "session.h"

struct pg_conn;
struct pg_result;

namespace weir::postgres {

struct ConnectionConfig {
  std::vector<std::pair<std::string, std::string>> keywords;
  Duration connect_timeout, statement_timeout;
  std::string password_file{};  ///< read for each connection; while that fails, the password of `keywords` counts
};

class Connection final : public Session {
 public:
  Connection(ConnectionConfig config, const Context& context);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  bool connected() override;
  std::optional<Failure> connect() override;
  Answer run(const Request& request) override;
  void cancel() override;
  void reset() override;
  void close() override;

 private:
  enum class Waited : std::uint8_t { ready, late, cancelled };
  Waited wait(short events, TimePoint until);
  std::optional<Failure> flush(TimePoint until);
  std::optional<Failure> send(const Request& request);
  std::optional<Failure> send_copy(std::string_view data, TimePoint until);
  /// The next result when it is there: nullptr after the last one.
  std::expected<pg_result*, Failure> next_result(TimePoint until);
  Answer collect(const Request& request, TimePoint until);
  Failure give_up(Waited why, std::string_view doing);
  Failure lost();
  void tell_server();

  const ConnectionConfig config_;
  const Context& context_;
  const int wake_;
  pg_conn* connection_ = nullptr;
};

}  // namespace weir::postgres
