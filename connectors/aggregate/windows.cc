#include <weir/component/expression/timestamp.h>

#include "windows.h"

#include <algorithm>
#include <cstring>

namespace weir::aggregate {

namespace {
constexpr Duration soon = std::chrono::milliseconds(1);
}

std::int64_t Windows::number_of(WallTime time) const {
  const auto since = time.time_since_epoch().count(), length = shape_.length.count();
  return since / length - (since % length < 0 ? 1 : 0);
}

/// Reactors do not come here in the order of their times: it never goes back.
WallTime Windows::arrival(TimePoint now, WallTime wall) {
  if (arrival_at_ == TimePoint::min()) arrival_at_ = now;
  arrival_ = std::max(arrival_ + std::max(Duration{0}, now - arrival_at_), wall);
  arrival_at_ = std::max(arrival_at_, now);
  return arrival_;
}

/// Moves the border between windows that are over and open ones. A time ahead of the arrival clock does not move it:
/// one wrong clock must not make the events of all others late.
void Windows::observe(WallTime time, WallTime arrival) {
  const auto mark = (shape_.own_times ? std::min(time, arrival) : arrival) - shape_.lateness;
  open_from_ = std::max(open_from_, number_of(mark));
}

Windows::Window* Windows::open(std::int64_t number) {
  Window* free = nullptr;
  for (auto& each : windows_) {
    if (each.id != 0 && each.number == number && each.written == 0) return &each;
    if (each.id == 0) free = &each;
  }
  if (!free) {
    if (windows_.size() == shape_.most) return nullptr;
    windows_.reserve(shape_.most);
    free = &windows_.emplace_back();
    free->groups = std::make_unique<Groups>(folds_, shape_.max_keys);
  }
  free->number = number;
  free->id = ++last_id_;
  return free;
}

Verdict Windows::merge(const Entry& entry, TimePoint now, WallTime wall) {
  const std::scoped_lock hold(lock_);
  const WallTime arrived = arrival(now, wall), time = entry.time.value_or(arrived);
  observe(time, arrived);
  auto number = number_of(time);
  if (number < open_from_) {
    if (shape_.drop_late && entry.time) return Verdict::dropped(Reason::late);
    number = open_from_;
  }
  auto* window = open(number);
  if (!window) return Verdict::later(soon);
  last_event_ = now;
  const auto at = window->groups->find_or_add(entry.key, entry.hash);
  if (at == 0) ++overflowed_;
  ++window->groups->group(at).events;
  ++window->merged;
  folds_.add(window->groups->state(at), entry.numbers);
  return Verdict::merged(window->id);
}

Windows::Window* Windows::earliest() {
  Window* first = nullptr;
  for (auto& each : windows_)
    if (each.id != 0 && (!first || each.number < first->number)) first = &each;
  return first;
}

std::optional<Duration> Windows::next(TimePoint now) {
  const std::scoped_lock hold(lock_);
  const auto* first = earliest();
  if (!first) return std::nullopt;
  if (first->number < open_from_ || first->written > 0) return Duration{0};
  const auto idle = last_event_ + shape_.idle - now;
  const auto over = start_of(first->number + 1) + shape_.lateness - (arrival_ + (now - arrival_at_));
  return std::max(shape_.own_times ? idle : over, Duration{0});
}

/// Without event times the arrival clock ends every window; with event times it ends a window when no event does.
void Windows::end_if_idle(TimePoint now, WallTime arrival) {
  if (!shape_.own_times) return observe(arrival, arrival);
  if (now - last_event_ < shape_.idle) return;
  for (const auto& each : windows_)
    if (each.id != 0) open_from_ = std::max(open_from_, std::min(each.number + 1, number_of(arrival)));
}

std::optional<Merger::Output> Windows::take(TimePoint now, WallTime wall, bool finish, std::string& out) {
  const std::scoped_lock hold(lock_);
  end_if_idle(now, arrival(now, wall));
  auto* window = earliest();
  const bool idle = shape_.own_times && now - last_event_ >= shape_.idle;
  if (!window || (window->number >= open_from_ && window->written == 0 && !finish && !idle)) return std::nullopt;
  auto& groups = *window->groups;
  // The overflow, group 0, comes last: behind the groups 1 .. size - 1.
  auto at = window->written + 1 < groups.size() ? window->written + 1 : 0;
  write(*window, at, out);
  ++window->written;
  const bool overflow_left = at != 0 && groups.group(0).events > 0;
  Output output{.window = window->id};
  output.last = at == 0 || (window->written + 1 >= groups.size() && !overflow_left);
  if (output.last) {
    output.merged = window->merged;
    groups.clear();
    window->id = window->merged = window->written = 0;
  }
  return output;
}

void Windows::write(Window& window, std::size_t at, std::string& out) {
  auto& group = window.groups->group(at);
  out += R"({"window_start":")";
  append_rfc3339(start_of(window.number), out);
  out += R"(","window_end":")";
  append_rfc3339(start_of(window.number + 1), out);
  out += '"';
  std::string_view key(group.key, group.key_bytes);
  for (const auto& label : shape_.labels) {
    if (at == 0) break;
    const auto end = key.find('\n');
    out += ',';
    out += label;
    out += key.substr(0, end);
    key.remove_prefix(end + 1);
  }
  if (at == 0) out += R"(,"overflow":true)";
  folds_.write(window.groups->state(at), group.events, out);
  out += '}';
}

std::uint64_t Windows::overflowed() const {
  const std::scoped_lock hold(lock_);
  return overflowed_;
}

}  // namespace weir::aggregate
