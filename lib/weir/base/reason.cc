#include <weir/base/reason.h>

#include <weir/base/result.h>

#include <array>

namespace weir {
namespace {

using enum Reason;

// In the order of the enum; info() relies on it and reason_test.cc checks it.
constexpr std::array table{
    ReasonInfo{
        flow_full, "flow_full", 503, 14, "a queue on the way to a required sink is full",
        "Come back after Retry-After. If it persists, `weir why` names the sink that is slow: make it faster, give it "
        "more workers, or put a journal in front of it."},
    ReasonInfo{
        memory_full, "memory_full", 503, 14, "the memory budget has no room for this request",
        "Come back after Retry-After. If it persists, raise `memory:`, lower queue bounds, or send smaller requests."},
    ReasonInfo{
        breaker_open, "breaker_open", 503, 14, "the breaker of a required destination is open",
        "The destination failed repeatedly and is left alone until the next probe. `weir why` shows its last error."},
    ReasonInfo{
        destination_hold, "destination_hold", 503, 14, "a required destination asked to be left alone for a while",
        "It refused with a time to come back at: come back after Retry-After. `weir why` shows its last answer."},
    ReasonInfo{
        destination_stalled, "destination_stalled", 503, 14,
        "nothing has come back from a required destination for far longer than usual",
        "Nothing of this request was taken: come back after Retry-After. `weir why` says for how long it has been "
        "waited for; a shorter time-out of the sink ends such waits sooner."},
    ReasonInfo{destination_failing, "destination_failing", 503, 14, "a required destination fails and is tried again",
               "Come back after Retry-After. `weir why` shows its last error."},
    ReasonInfo{destination_locked, "destination_locked", 503, 14, "somebody else has a required destination locked",
               "Come back after Retry-After. `weir why` names what is locked: end the transaction that holds it."},
    ReasonInfo{disk_full, "disk_full", 503, 14, "the disk of a required destination is full",
               "Come back after Retry-After. `weir why` names the path: free some space there."},
    ReasonInfo{
        journal_full, "journal_full", 503, 14, "a journal is full of what its consumers have not read",
        "Come back after Retry-After. `weir why` names the consumer that is behind: make its sink work, raise the "
        "journal's max_bytes, or give up what it has not read with `weir journal forget`."},
    ReasonInfo{dead_letters_full, "dead_letters_full", 503, 14,
               "the dead letters of a required destination find no room",
               "Come back after Retry-After. `weir why` names the sink that takes the dead letters: make it work."},
    ReasonInfo{priority_shed, "priority_shed", 503, 14, "only high and critical work is admitted at this fill",
               "Send what must not wait with a higher priority, or come back after Retry-After."},
    ReasonInfo{concurrency_limited, "concurrency_limited", 503, 14, "the concurrency limit is reached",
               "Come back after Retry-After; keep fewer requests open at once."},
    ReasonInfo{retry_budget_empty, "retry_budget_empty", 503, 14, "the retry budget of the destination is used up",
               "The destination fails more often than retries may add load. Look at its errors first."},
    ReasonInfo{rate_limited, "rate_limited", 429, 8, "this client's rate limit is reached",
               "Send at most what the RateLimit headers name, or ask for a higher limit."},
    ReasonInfo{too_early, "too_early", 429, 8, "this client came back before its Retry-After",
               "Wait as long as Retry-After says; coming back earlier only moves the time further out."},
    ReasonInfo{too_many_guesses, "too_many_guesses", 429, 8,
               "too many wrong tokens or passwords came from this address",
               "Come back after Retry-After, with the right one: until then nobody at this address is let in. Whoever "
               "shares it with one who guesses needs an address of his own, or a client certificate."},
    ReasonInfo{too_many_connections, "too_many_connections", 503, 14, "max_connections is reached",
               "Reuse connections, or raise the source's max_connections (each one counts in the memory table)."},
    ReasonInfo{
        overloaded, "overloaded", 503, 14, "the machine is short of CPU, memory or descriptors",
        "Come back after Retry-After, or send what must not wait with a higher priority. `weir why` names what is "
        "short and its threshold."},
    ReasonInfo{shutting_down, "shutting_down", 503, 14, "this process is stopping",
               "Send to another instance, or come back after Retry-After."},
    ReasonInfo{deadline_exceeded, "deadline_exceeded", 504, 4, "the client's deadline would pass before this is done",
               "Allow more time, or send when the flow is less busy."},
    ReasonInfo{upstream_unreachable, "upstream_unreachable", 503, 14, "no endpoint of the upstream takes connections",
               "Nothing of this request was sent on: come back after Retry-After. `weir why` shows what each endpoint "
               "answered; see that the service runs and that `endpoints` names it."},
    ReasonInfo{
        upstream_failed, "upstream_failed", 502, 13, "the upstream gave no valid answer",
        "It may have acted on the request: repeat it only if that is safe. `weir why` and the log say what came."},
    ReasonInfo{
        outcome_unknown, "outcome_unknown", 504, 4,
        "the request was taken but not settled within ack_timeout: its events stay in the flow",
        "Send it again only if the sinks are idempotent (give events an id); otherwise look for its events first."},
    ReasonInfo{malformed, "malformed", 422, 3, "the body holds lines that are not JSON",
               "Correct the lines named; nothing of the request was stored. `on_malformed: dead_letter` keeps the rest "
               "instead."},
    ReasonInfo{too_large, "too_large", 413, 3, "the body is above max_body",
               "Send smaller requests, or raise the source's max_body."},
    ReasonInfo{event_too_large, "event_too_large", 413, 3, "an event is above max_event",
               "Send smaller events, or raise the source's max_event (at most 16MiB)."},
    ReasonInfo{too_many_events, "too_many_events", 413, 3, "the request holds more events than max_events",
               "Split the request, or raise the source's max_events."},
    ReasonInfo{bad_request, "bad_request", 400, 3, "the request is not valid HTTP",
               "Check the client or the proxy in between; the connection was closed."},
    ReasonInfo{not_found, "not_found", 404, 5, "nothing is served at this path",
               "Events go to a source's `path`, by default /events; at a gateway a route has to match."},
    ReasonInfo{method_not_allowed, "method_not_allowed", 405, 12, "this path takes another method", "Use POST."},
    ReasonInfo{unsupported_media_type, "unsupported_media_type", 415, 3, "this content type is not taken",
               "Send application/x-ndjson (one event a line) or application/json (an array or one object)."},
    ReasonInfo{unsupported_encoding, "unsupported_encoding", 415, 3, "this content encoding is not taken or is damaged",
               "Send the body plain or with a valid gzip encoding."},
    ReasonInfo{body_timeout, "body_timeout", 408, 4, "the request did not arrive in time",
               "Send faster, or raise the source's body_timeout."},
    ReasonInfo{header_too_large, "header_too_large", 431, 3, "the request's headers are above max_header",
               "Send fewer or shorter headers."},
    ReasonInfo{unauthorized, "unauthorized", 401, 16, "who asks is not known here",
               "Send `Authorization: Bearer TOKEN`, or a user and password, that `auth_bearer` or `auth_basic` lists; "
               "with `tls_client_ca` a client certificate that it has signed."},
    ReasonInfo{origin_refused, "origin_refused", 403, 7, "pages of this origin may not send here",
               "Add the page's origin to the source's `origins`, if it may."},
    ReasonInfo{drop_newest, "drop_newest", 0, 8, "the queue was full and drops what arrives",
               "Raise the bound, make the sink faster, or choose when_full: block."},
    ReasonInfo{drop_oldest, "drop_oldest", 0, 8, "the queue was full and drops what waited longest",
               "Raise the bound, make the sink faster, or choose when_full: block."},
    ReasonInfo{drop_lowest, "drop_lowest", 0, 8, "the queue was full and drops its lowest priority",
               "Raise the bound, make the sink faster, or choose when_full: block."},
    ReasonInfo{drop_random, "drop_random", 0, 8, "the queue was full and drops at random",
               "Raise the bound, make the sink faster, or choose when_full: block."},
    ReasonInfo{codel, "codel", 0, 8, "the queue's delay stood above its target for an interval (CoDel)",
               "Make the sink faster, or raise the target; the queue never became shorter than the target."},
    ReasonInfo{expired, "expired", 0, 4, "it waited longer than expire_after",
               "Make the sink faster, or raise expire_after."},
    ReasonInfo{throttled, "throttled", 503, 8, "a throttle stage lets through no more than its rate",
               "Come back when told to. If the rate is too low, raise it; when_over says whether it slows or sheds."},
    ReasonInfo{late, "late", 0, 8, "its window had ended when it came",
               "Raise the aggregate's lateness, or count it in an open window: when_late: current."},
    ReasonInfo{behind, "behind", 0, 8, "an optional consumer was too far behind and skipped",
               "Make it faster or required."},
    ReasonInfo{sink_rejected, "sink_rejected", 422, 3, "a sink refuses this event for good",
               "Look at the event: sending it again will fail again. A `dead_letter` on the sink keeps such events."},
    ReasonInfo{sink_failed, "sink_failed", 500, 13, "a sink failed for good", "The log names the sink and its error."},
    ReasonInfo{ack_timeout, "ack_timeout", 504, 4, "its request was given up at ack_timeout", "See outcome_unknown."},
    ReasonInfo{shutdown, "shutdown", 503, 14, "the process stopped before it was done",
               "Its sender was not told it was stored (acks: stored); with acks: accepted it is lost, and counted."},
    ReasonInfo{client_gone, "client_gone", 0, 1, "the client left before its request was complete",
               "Nothing of an incomplete request enters the flow."},
};

}  // namespace

const ReasonInfo& info(Reason reason) { return table[static_cast<std::size_t>(reason)]; }
std::string_view name(Reason reason) { return info(reason).key; }
std::span<const ReasonInfo> all_reasons() { return table; }

std::optional<Reason> reason_from_key(std::string_view key) {
  for (const auto& row : table)
    if (row.key == key) return row.reason;
  return std::nullopt;
}

}  // namespace weir
