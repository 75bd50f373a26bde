#pragma once
/// CoDel: judges a queue by the time things wait in it, not by its length. A burst may fill the queue; delay that
/// stands above `target` for a whole `interval` is a standing queue, and is shortened by dropping at a rate that rises
/// with the square root of the number of drops, to which senders that adapt respond linearly.
///
///   above since an interval:  drop; next at now + interval / sqrt(count)
///   still above at `next`:    count + 1; drop; next += interval / sqrt(count)
///   below, or almost empty:   stop. Coming back within 16 intervals resumes the rate of the last time.
///
/// Deviation from Linux: there the item after a drop is judged before `next` moves on, here when it is asked for; the
/// two differ only in where `next` stands after dropping ended. The caller hands over one item at a time and asks again
/// after each `true`.
///
/// When to choose it: work loses its value by waiting, and senders adapt or may be refused: interactive requests,
/// datagrams. Not for work that must all be done, however late; there a bound and `block` are the answer.
///
/// Thread: one owner. Cost: two comparisons; a square root for each drop.
/// Ref: RFC 8289; Linux include/net/codel_impl.h.
#include <weir/flow/queue/edge_config.h>

namespace weir::flow {

class Codel {
 public:
  explicit Codel(const CodelConfig& config = {}) : config_(checked(config, "codel")) {}

  /// May the item that waited `sojourn` and is next to leave be dropped? `backlog_small`: at most one item waits behind
  /// it, so dropping could only starve the consumer.
  bool should_drop(Duration sojourn, bool backlog_small, TimePoint now);

  bool dropping() const { return dropping_; }
  void reconfigure(const CodelConfig& config) { config_ = checked(config, "codel"); }

 private:
  bool stands_above(Duration sojourn, bool backlog_small, TimePoint now);
  Duration step() const;

  CodelConfig config_;
  TimePoint first_above_ = never;  ///< when the standing delay will have lasted an interval; never: not above
  TimePoint next_{};
  std::uint32_t count_ = 0, last_count_ = 0;
  bool dropping_ = false;
};

}  // namespace weir::flow
