#include <weir/async/wait_list.h>

#include <algorithm>

namespace weir::async {

bool WaitList::add(std::uint64_t number, Priority priority, std::shared_ptr<Sleeper> sleeper) {
  if (line_.size() >= most_) return false;
  auto at = line_.end();  // from the back: a new waiter is nearly always the last
  while (at != line_.begin() && std::prev(at)->number > number) --at;
  line_.insert(at, {number, priority, std::move(sleeper)});
  return true;
}

bool WaitList::remove(std::uint64_t number) {
  const auto at = std::ranges::find(line_, number, &Waiter::number);
  if (at == line_.end()) return false;
  line_.erase(at);
  return true;
}

bool WaitList::waits_before(Priority priority, std::uint64_t number) const {
  return std::ranges::any_of(line_,
                             [&](const Waiter& place) { return place.priority == priority && place.number < number; });
}

void WaitList::wake_first(Wakeups& wakeups) {
  if (!line_.empty()) wake(line_.begin(), wakeups);
}

std::list<WaitList::Waiter>::iterator WaitList::wake(std::list<Waiter>::iterator at, Wakeups& wakeups) {
  ++woken_;
  wakeups.add(std::move(at->sleeper));
  return line_.erase(at);
}

Turn::~Turn() {
  if (!lined_up_) return;
  Wakeups wakeups;
  const std::lock_guard lock(wait_.mutex);
  if (!wait_.list.remove(*number_)) wait_.list.wake_first(wakeups);
}

void Turn::look() {
  if (lined_up_) wait_.list.remove(*number_);
  lined_up_ = false;
}

bool Turn::line_up() {
  lined_up_ = wait_.list.add(number(), wait_.priority, sleeper_);
  return lined_up_;
}

std::uint64_t Turn::number() {
  if (!number_) number_ = wait_.list.next_number();
  return *number_;
}

}  // namespace weir::async
