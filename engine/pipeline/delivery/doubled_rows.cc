#include "pipeline/delivery/doubled_rows.h"

#include <utility>

namespace weir::pipeline {

DoubledRows::Warn DoubledRows::saw(const Group& group, TimePoint now) {
  events_ += group.events;
  already_ += group.already;
  if (!group.tried_before) strange_ += group.strange;
  Warn warn;
  if (strange_ > 0 && now >= next_strange_) {
    warn.strange = std::exchange(strange_, 0);
    next_strange_ = now + again;
  }
  if (group.already > 0 && already_ >= enough && already_ > events_ / 2 && now >= next_many_) {
    warn.already = already_;
    warn.of = events_;
    next_many_ = now + again;
  }
  return warn;
}

}  // namespace weir::pipeline
