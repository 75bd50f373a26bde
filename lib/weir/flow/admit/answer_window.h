#pragma once
/// Some hundred answers of a service in a row, reduced to what AdaptiveLimit decides by. All times are logarithms of
/// seconds: the mean of ln time is the typical time, which one request in a hundred that takes a hundred times as long
/// hardly moves, whereas it decides the mean alone.
///
///   followers   the least number of requests that were dispatched after one and before its answer. A request that
///               found q others waiting in a queue without overtaking cannot be answered before q others were; so what
///               waits is at most this
///   typical     mean of ln time
///   unqueued    the same with the queue taken off each time: ln max(time - min(q, T) x mean / L, time / 10)
///   error       of typical: the larger of  deviation / sqrt n  and that of the means of blocks of max(8, L) answers,
///               since consecutive times in a queue are alike; 1.3 times that below 8 blocks
///
/// Thread: a value; its owner guards it. Cost: two logarithms an answer; 112 bytes.
#include <weir/base/units.h>

#include <cstdint>
#include <limits>

namespace weir::flow {

/// A window at its end. Plain numbers, so that a test can write one down.
struct AnswerSummary {
  double followers = 0;
  double typical = 0;
  double unqueued = 0;
  double deviation = 0;  ///< of ln time
  double error = 0;
  int answers = 0;
  double mean = 0;  ///< time, in seconds
  Duration span{0};
};

class AnswerWindow {
 public:
  /// An answer whose request was sent, and followed by others, while the limit was reached.
  void followed_by(std::uint64_t followers);
  /// An answer whose request was sent when the limit was reached. `limit` is L, `transit` the seconds of network there
  /// and back.
  void add(double time, double limit, double transit, TimePoint now);
  void clear() { *this = AnswerWindow{}; }

  int answers() const { return answers_; }
  int followed() const { return followed_; }
  double followers() const { return static_cast<double>(followers_); }
  double typical() const { return logs_ / answers_; }
  double unqueued() const { return unqueued_logs_ / answers_; }
  double mean() const { return times_ / answers_; }
  double deviation() const;
  double error() const;
  AnswerSummary summary(TimePoint now) const;

 private:
  void add_to_block(double log_time, int block);

  std::uint64_t followers_ = std::numeric_limits<std::uint64_t>::max();
  int followed_ = 0, answers_ = 0;
  double logs_ = 0, squares_ = 0, unqueued_logs_ = 0, times_ = 0;
  int blocks_ = 0, in_block_ = 0;
  double block_ = 0, block_means_ = 0, block_squares_ = 0;
  TimePoint began_{};
};

/// T: how many requests beyond the service's slots the limit leaves room for. Those on the wire, one to keep the slots
/// fed, and half a root for fluctuation.
double room_beyond(double limit, double wire);

}  // namespace weir::flow
