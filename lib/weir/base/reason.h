#pragma once
/// Every reason for which Weir refuses, drops or fails something, in one table.
///
/// Edges, guards and sinks name a Reason and nothing else; the HTTP status, the gRPC status, the metric label, the log
/// key and the advice of `weir explain` are looked up here, so two places can never disagree about what a refusal
/// means. 429 is about this client's quota, 503 about us, 504 about its deadline.
///
/// Thread: the table is constant. Cost: an array index.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir {

enum class Reason : std::uint8_t {
  // the door: load
  flow_full,
  memory_full,
  breaker_open,
  destination_hold,
  destination_stalled,
  destination_failing,
  destination_locked,
  disk_full,
  journal_full,
  dead_letters_full,
  priority_shed,
  concurrency_limited,
  retry_budget_empty,
  rate_limited,
  too_early,
  too_many_guesses,
  too_many_connections,
  overloaded,
  shutting_down,
  deadline_exceeded,
  upstream_unreachable,
  upstream_failed,
  outcome_unknown,
  // the door: the request itself
  malformed,
  too_large,
  event_too_large,
  too_many_events,
  bad_request,
  not_found,
  method_not_allowed,
  unsupported_media_type,
  unsupported_encoding,
  body_timeout,
  header_too_large,
  unauthorized,
  origin_refused,
  // dropped on purpose, inside
  drop_newest,
  drop_oldest,
  drop_lowest,
  drop_random,
  codel,
  expired,
  throttled,
  late,
  behind,
  // failed or abandoned
  sink_rejected,
  sink_failed,
  ack_timeout,
  shutdown,
  client_gone,
};

struct ReasonInfo {
  Reason reason;
  std::string_view key;      ///< stable: metric label, log key, JSON `reason`, argument of `weir explain`
  int http_status;           ///< 0: never an HTTP answer
  int grpc_status;           ///< google.rpc.Code; 0: never a gRPC answer
  std::string_view summary;  ///< one clause, lower case, for the middle of a sentence
  std::string_view advice;   ///< what the person who reads it can do
};

const ReasonInfo& info(Reason reason);
std::string_view name(Reason reason);  ///< its key
std::optional<Reason> reason_from_key(std::string_view key);
std::span<const ReasonInfo> all_reasons();

}  // namespace weir
