#pragma once
/// Credit-based flow control: the receiver says how much may come, so nothing has to be discarded. Counted in messages
/// and in bytes (a window of one of them alone bounds nothing), at two levels: each stream has a window so that one
/// slow reader cannot take all, and the connection has one so that many streams together stay bounded.
///
///   a message of n bytes costs {1, n}, at both levels or at neither; its later pieces cost {0, n}
///   grant    adds; an empty grant and one above `most` are the peer's errors, and change nothing
///   resize   the initial window changed while the stream was open: available += new - old, which may go below 0; then
///            nothing is sent until grants have made up for it
///
/// When to choose it: a sender and a receiver share a protocol, so the receiver can say in advance what it has room
/// for. Without such a protocol only waiting (block) or refusing (reject) is left.
///
/// Thread: one owner. Cost: a few comparisons. On cancel: a stream that ends takes its unspent credit with it; what it
/// spent at the connection comes back by grants when the receiver has consumed or discarded it.
/// Ref: RFC 9113, sections 5.2, 6.9.1 and 6.9.2; Reactive Streams 1.0.4, rule 3.9.
#include <weir/base/units.h>

#include <expected>

namespace weir::flow {

/// The peer violated the protocol: HTTP/2 calls it PROTOCOL_ERROR and FLOW_CONTROL_ERROR.
enum class CreditError : std::uint8_t { empty_grant, overflow };

class CreditWindow {
 public:
  /// HTTP/2's largest window, for messages as well.
  static constexpr Load http2_most{(1u << 31) - 1, Bytes((1u << 31) - 1)};

  /// Parts of `initial` above `most` are cut. `most` itself must stay below 2^62.
  explicit CreditWindow(Load initial, Load most = http2_most);

  [[nodiscard]] std::expected<void, CreditError> grant(Load more);
  /// On an error nothing changes.
  [[nodiscard]] std::expected<void, CreditError> resize(Load initial);

  bool covers(Load cost) const;
  /// What may be sent now; 0 while negative.
  Load available() const;
  std::int64_t messages() const { return messages_; }  ///< may be negative after a resize
  std::int64_t bytes() const { return bytes_; }

 private:
  friend bool try_spend(CreditWindow&, CreditWindow&, Load);
  Load initial_, most_;
  std::int64_t messages_, bytes_;
};

/// Spends at both levels, or at neither.
[[nodiscard]] bool try_spend(CreditWindow& stream, CreditWindow& connection, Load cost);

/// How many of `want` bytes may be sent now: a message is cut where the smaller window ends, so a window of one byte
/// works.
Bytes sendable(const CreditWindow& stream, const CreditWindow& connection, Bytes want);

}  // namespace weir::flow
