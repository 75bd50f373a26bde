#include <weir/flow/admit/answer_window.h>

#include <algorithm>
#include <cmath>

namespace weir::flow {
namespace {

double variance(double sum, double squares, int n) { return std::max(0.0, squares / n - sum / n * (sum / n)); }

}  // namespace

double room_beyond(double limit, double wire) { return wire + 1 + 0.5 * std::sqrt(limit); }

void AnswerWindow::followed_by(std::uint64_t followers) {
  followers_ = std::min(followers_, followers);
  ++followed_;
}

void AnswerWindow::add(double time, double limit, double transit, TimePoint now) {
  if (answers_ == 0) began_ = now;
  ++answers_;
  const double log_time = std::log(time);
  logs_ += log_time;
  squares_ += log_time * log_time;
  times_ += time;
  add_to_block(log_time, std::max(static_cast<int>(limit + 0.5), 8));
  const double mean = times_ / answers_;
  const double queue = std::min(followers(), room_beyond(limit, limit / mean * transit));
  unqueued_logs_ += std::log(std::max(time - queue * mean / limit, 0.1 * time));
}

void AnswerWindow::add_to_block(double log_time, int block) {
  block_ += log_time;
  if (++in_block_ < block) return;
  const double mean = block_ / block;
  block_means_ += mean;
  block_squares_ += mean * mean;
  ++blocks_;
  in_block_ = 0;
  block_ = 0;
}

double AnswerWindow::deviation() const { return std::sqrt(variance(logs_, squares_, answers_)); }

double AnswerWindow::error() const {
  double error = deviation() / std::sqrt(static_cast<double>(answers_));
  if (blocks_ >= 2) error = std::max(error, std::sqrt(variance(block_means_, block_squares_, blocks_) / (blocks_ - 1)));
  return blocks_ >= 8 ? error : 1.3 * error;
}

AnswerSummary AnswerWindow::summary(TimePoint now) const {
  return {followers(), typical(), unqueued(), deviation(), error(), answers_, times_ / answers_, now - began_};
}

}  // namespace weir::flow
