#include <weir/async/gate.h>

namespace weir::async {

std::optional<Gate::Pass> Gate::try_enter() {
  const std::lock_guard lock(mutex_);
  if (closed_) return std::nullopt;
  ++inside_;
  return Pass(this);
}

void Gate::leave() {
  Wakeups wakeups;
  const std::lock_guard lock(mutex_);
  if (--inside_ == 0 && closed_) waiting_.wake_all(wakeups);
}

void Gate::close() {
  Wakeups wakeups;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  if (inside_ == 0) waiting_.wake_all(wakeups);
}

std::optional<bool> Gate::look(Turn* turn) {
  const std::lock_guard lock(mutex_);
  if (turn) turn->look();
  if (closed_ && inside_ == 0) return true;
  if (turn) WEIR_CHECK(turn->line_up());
  return std::nullopt;
}

boost::asio::awaitable<bool> Gate::drained(TimePoint deadline) {
  auto attempt = [this](Turn* turn) { return look(turn); };
  const Wait wait{mutex_, waiting_, context_, deadline};
  co_return (co_await attempt_until(wait, attempt)).has_value();
}

bool Gate::drained_for(Duration most) {
  auto attempt = [this](Turn* turn) { return look(turn); };
  const Wait wait{mutex_, waiting_, context_, flow::later(context_.now(), most)};
  return block_until(wait, attempt).has_value();
}

bool Gate::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

std::uint64_t Gate::inside() const {
  const std::lock_guard lock(mutex_);
  return inside_;
}

}  // namespace weir::async
