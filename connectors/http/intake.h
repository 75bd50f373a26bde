#pragma once
/// The part of an http source on one reactor: reads requests, gives their events to the flow, and answers.
///
/// A request goes through, in this order (semantics F1): who asks, and from which page -> path, method, type, size by
/// its headers -> whether its client was told to come later (early_returns.h) -> the guards: its key, its rates, its
/// turn among those that are under way until they are answered (docs/guards.md) -> the door (load, memory: one
/// reservation for its worst case) -> the body, read only while the
/// flow is not paused -> parsed and validated as a whole -> the rates whose key is a field of it (all of its events or
/// none) -> given to the flow when its priority is ready -> answered at
/// the level the source asks for. Before the door nothing of the body is read; after it load never refuses, it only
/// slows (except what a priority or a key read from the body decides, which is known only now).
///
/// Thread: its reactor; `quiet` any. Cost: see bench/README.md. On cancel: a client that leaves mid-body leaves nothing
/// behind; one that leaves after it changes nothing. `stop` goes on listening: new requests, also those of connections
/// that were idle, are answered 503 with the time to the deadline, until `close`.
#include <weir/async/signal.h>
#include <weir/async/waiter.h>
#include <weir/base/sip_hash.h>
#include <weir/component/catalog.h>
#include <weir/component/reports_level.h>
#include <weir/flow/admit/early_returns.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "body.h"
#include "net/accept_limit.h"
#include "net/credentials.h"
#include "net/http_server.h"
#include "net/rate_limit_fields.h"
#include "pending_answers.h"

namespace weir::http {

struct HttpOptions {
  net::ServerConfig server;
  std::string path = "/events";
  Bytes max_body = 1_MiB;
  BodyLimits limits;
  Duration ack_timeout = std::chrono::seconds(30);
  Level acks = Level::stored;
  PriorityRule priorities;
  net::Credentials credentials{};      ///< who may send; none: everybody
  std::vector<std::string> origins{};  ///< of web pages that may send; nothing: of all
  bool checks_origin = false;
  bool json_type_only = false;  ///< content_type: json
  bool keep_malformed = false;  ///< on_malformed: dead_letter
  std::shared_ptr<net::AcceptLimit> accepting = std::make_shared<net::AcceptLimit>();
  std::shared_ptr<net::AcceptLimit> full = std::make_shared<net::AcceptLimit>();  ///< max_connections
  bool pressure_header = false;                                                   ///< Weir-Pressure in answers
  net::RateLimitForms rate_limit_forms{};                                         ///< what clients are told of rates
  std::string client_key = "connection";  ///< what tells clients apart that come back early: or address, or a header
  KeyHash secret{};                       ///< of the process: what tells clients apart is of their choosing
  /// As many clients are remembered as may be told a time while all connections are in use.
  flow::EarlyReturnsConfig early_returns() const { return {.clients = server.max_connections * 4}; }
};

class HttpIntake final : public Intake {
 public:
  HttpIntake(const IntakeSetup& setup, const HttpOptions& options);

  ~HttpIntake() override { output_.on_room = nullptr; }
  void start() override;
  void stop(Duration retry_after) override;
  void abandon() override;
  void close() override;
  bool quiet() const override { return in_progress_.load(std::memory_order_acquire) == 0; }
  const std::string& address() const { return address_; }  ///< with its real port

 private:
  template <typename T>
  using Task = boost::asio::awaitable<T>;
  static constexpr std::size_t small_body = 16 << 10;  // up to here events are gathered with those of other requests
  static constexpr Duration look_again = std::chrono::seconds(1);  // a bound on every wait, if no wake-up comes
  struct Unit;                                                     // one request on its way
  struct Start {
    async::Permit permit;
    std::vector<async::Quota> quotas{};
    std::string fields{};  // of the answer, for as long as it is written
  };
  struct Visit {  // at the door
    Priority priority;
    Bytes amount;  // what it reserves
    std::uint64_t key;
    flow::BriefHold::HeldUnit held{};
  };

  Task<void> handle(net::Exchange& exchange);
  std::optional<net::Response> screen(const net::Head& head) const;
  std::optional<net::Response> turn_away(const net::Exchange& exchange);
  Task<std::optional<net::Response>> take(net::Exchange& exchange, Start& start);
  Priority door_priority(const net::Head& head) const;
  std::uint64_t client_key(const net::Exchange& exchange, Priority priority) const;
  std::size_t worst_case_bytes(const net::Head& head) const;
  Bytes reservation(const net::Head& head, std::size_t bytes) const;
  Admitted<void> pass_early_returns(const Visit& visit);
  Admitted<void> pass_guards(const net::Exchange& exchange, const Visit& visit, Start& start, async::Waiter& waiter);
  Task<Admitted<void>> wait_for_turn(net::Exchange& exchange, async::Waiter& waiter);
  bool waits_at_door(const Admitted<Ticket>& asked, const Visit& visit) const;
  Task<Admitted<Ticket>> wait_at_door(net::Exchange& exchange, Visit& visit, Rejection refusal);
  Task<Admitted<void>> read_body(net::Exchange& exchange, Priority priority, BlockWriter& body);
  Task<net::Response> carry(net::Exchange& exchange, Unit& unit);
  Task<net::Response> answer_when_settled(Receipt& receipt, std::size_t events, async::Permit permit);
  /// Nothing: it is ready. Else why it is not waited for any longer: ack_timeout, destination_stalled, shutdown.
  Task<std::optional<Reason>> wait_until_ready(Priority priority);
  std::optional<Rejection> waits_in_vain(TimePoint since) const;
  Duration until_stopped() const;
  Task<bool> give_small(Unit& unit, Receipt* receipt, std::span<const Batch::Slot> index,
                        std::span<const Priority> priorities);
  Task<bool> give_large(Unit& unit, Receipt* receipt, std::span<const Batch::Slot> index,
                        std::span<const Priority> priorities);
  Task<void> give_dead_letters(std::string_view body, std::span<const BadEvent> bad, Receipt* receipt);
  net::Response refuse(const Rejection& rejection, std::string_view sentence) const;
  net::Response refuse_stalled() const;
  net::Response refuse_at_door(const Rejection& rejection);
  net::Response refuse_visit(const Rejection& rejection, Start& start);
  std::optional<net::Response> refuse_unread(const Rejection& why, Unit& unit) const;
  std::optional<net::Response> refuse_parsed(Unit& unit);
  std::optional<net::Response> refuse_events(const net::Exchange& exchange, Unit& unit);
  net::Response answer_accepted(Unit& unit, bool given);
  /// RateLimit fields, and how full what is behind it is: for the answer to a request.
  void tell(net::Response& response, Start& start);
  std::string fields_of(const std::vector<async::Quota>& quotas);
  net::Response refuse_malformed() const;
  net::Response answer(const Tally& tally, std::size_t events) const;

  HttpOptions options_;
  boost::asio::io_context& reactor_;
  SourceOutput& output_;
  flow::EarlyReturns early_returns_;
  const ReportsLevel* level_;  // null: nothing is told of it
  std::string pressure_field_;
  TimePoint pressure_asked_ = TimePoint::min();
  BodyParser parser_;
  PendingAnswers answers_;
  async::WaitLine room_;
  net::HttpServer server_;
  std::string address_;
  std::optional<TimePoint> stopping_;  // when the drain deadline comes
  struct Prepared {
    Rejection rejection;
    TimePoint made{};
    std::string body;
  };
  std::array<Prepared, 64> prepared_;  // refusals by their Retry-After: under overload thousands a second are alike
  bool abandoned_ = false;
  std::atomic<std::uint64_t> in_progress_{0};
};

}  // namespace weir::http
