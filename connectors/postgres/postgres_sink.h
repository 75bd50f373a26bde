#pragma once
/// Sink `postgres`: each event a row, each delivery one statement, which is one transaction.
///
/// A call of `deliver` is one statement with rows: what the pipeline's breaker, pace and retry budget count is what the
/// server sees. Where the server objects to a row the sink keeps what is left of the group (unsent_events.h) and
/// answers `more`:
///
///   stored    the range is done
///   rows      the only row of its range is refused for good; otherwise two halves, so that after at most 2 log2(n)
///             statements a single bad row of n is alone
///   unclear   the statement is sent without rows, in the same call: fails that too, it is about the table and every
///             event waits; otherwise it is about the rows, of which one that is alone is asked about twice
///   again     what is left stays left: what was stored before is not sent twice. After a timeout, in halves
///
/// At start everything that can be known is asked for with that same statement without rows: table, columns, types,
/// key, privileges. A server that cannot be reached then does not end the start; it is asked when it can be.
///
/// Thread: one worker; each has one connection, so `workers` is the size of the pool. Cost: about 0.3 us an event and a
/// round trip a delivery. On cancel: within 0.2 s, the outcome unknown.
#include <weir/component/already_there.h>
#include <weir/component/catalog.h>
#include <weir/component/unsent_events.h>

#include "config.h"
#include "rows.h"
#include "verdict.h"

namespace weir::postgres {

class PostgresSink final : public Sink {
 public:
  explicit PostgresSink(const SinkSetup& setup, std::unique_ptr<Session> session = nullptr);
  ~PostgresSink() override { close(); }

  Result<void> open() override;
  Delivery deliver(std::span<const Batch> batches) override;
  void cancel() override;
  /// libpq reads certificates for each connection.
  Result<std::string> on_hangup() override;
  void close() override;

 private:
  std::optional<Failure> prepare();
  std::optional<Failure> begin_session();
  std::optional<Failure> check_table();
  std::optional<Failure> check_types();
  void gather(std::span<const Batch> batches);
  Delivery send();
  Delivery heed(const Failure& failure);
  Delivery next();
  Delivery again(const Failure& failure) const;
  bool copies(std::size_t rows) const;

  const std::string name_;
  const int worker_;
  const Context& context_;
  Result<Config> config_;
  Destination to_;
  std::string insert_, copy_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Rows> rows_;
  bool checked_ = false;                         // the table is there and fits
  AlreadyThere there_;                           // of the group
  UnsentEvents unsent_;                          // of the group; its part is what the statement holds
  std::optional<UnsentEvents::Number> doubted_;  // an event that was alone when it was unclear whose fault it is
};

SinkType sink_type();
void add_to(Catalog& catalog);

}  // namespace weir::postgres
