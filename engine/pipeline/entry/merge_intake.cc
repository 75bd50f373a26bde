#include "pipeline/entry/merge_intake.h"

#include <algorithm>

namespace weir::pipeline {
namespace {

// The most by which the end of a window may be noticed late.
constexpr Duration look_again = std::chrono::milliseconds(50);
constexpr Duration while_finishing = std::chrono::milliseconds(2);

}  // namespace

MergeIntake::MergeIntake(MergeNode& node, boost::asio::io_context& reactor, SourceOutput& output)
    : node_(node), output_(output), turns_(reactor, [this] {
        if (!abandoned_) turns_.sleep(turn());
      }) {}

void MergeIntake::start() {
  output_.on_room = [this] { turn(); };
  turns_.sleep(turn());
}

Duration MergeIntake::turn() {
  if (abandoned_) return look_again;  // room behind the stage may still be announced
  while (give()) {
  }
  holding_ = held_.has_value();
  output_.flush();
  if (finishing_) return while_finishing;
  const auto next = node_.merger().next(output_.context().now());
  return std::clamp(next.value_or(look_again), Duration{std::chrono::milliseconds(1)}, look_again);
}

/// False: nothing is over, or it cannot go now.
bool MergeIntake::give() {
  if (!held_) {
    text_.clear();
    held_ = node_.merger().take(output_.context().now(), output_.context().wall(), finishing_, text_);
    if (!held_) return false;
  }
  if (held_->event) {
    if (!output_.ready(Priority::normal)) return false;
    auto ticket = output_.reserve(output_.cost(text_.size(), 1));
    if (!ticket) return false;
    output_.add(text_, Priority::normal, node_.receipt_for_output(held_->window), std::move(*ticket));
  }
  if (held_->last) node_.ended(held_->window, held_->merged);
  held_.reset();
  return true;
}

void MergeIntake::stop(Duration) {
  finishing_ = true;
  turns_.sleep(turn());
}

void MergeIntake::abandon() {
  abandoned_ = true;
  turns_.cancel_sleep();
}

bool MergeIntake::quiet() const {
  if (abandoned_) return true;  // what is left in windows will never come out
  return finishing_ && !holding_ && node_.empty() && !node_.merger().next(output_.context().now());
}

}  // namespace weir::pipeline
