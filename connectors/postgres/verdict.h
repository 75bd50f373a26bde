#pragma once
/// What a failure means for the rows that were sent, by its SQLSTATE.
///
///   none, 08 53 57 58 40 55 25 26 28 XX, ...   again: it may pass (connection, resources, shutdown, timeout, deadlock,
///                                              serialization, lock, standby, credentials being changed, an unknown
///                                              one)
///   22 23                                      rows: at least one of them is the reason
///   42 44 21 0A P0 54 38 39                    unclear: the table, the privileges or a trigger; a row-level policy, a
///                                              trigger that judges one row, a key too long for its index. The same
///                                              statement without rows tells which
///
/// When in doubt it is `again`: the pipeline waits and nothing is lost.
///
/// Thread: pure functions. Ref: postgresql.org/docs/15/errcodes-appendix.html.
#include <weir/base/reason.h>

#include "session.h"

namespace weir::postgres {

enum class Verdict : std::uint8_t { again, rows, unclear };
Verdict judge(std::string_view state);

/// What holds the rows up, where the server says it; absent: it fails.
std::optional<Reason> reason_of(std::string_view state);
/// It took too long, or too much memory: a smaller statement may succeed.
bool is_too_much(std::string_view state);
/// At start: only a person can repair it (credentials, a missing database, table, column, key, privilege).
bool is_final_at_start(std::string_view state);

/// Where it was meant to go, for messages.
struct Destination {
  std::string where;  ///< "orders at db:5432"
  std::string table, key;
};
/// One line: where, what the server said, what to do.
std::string explain(const Failure& failure, const Destination& to);

}  // namespace weir::postgres
