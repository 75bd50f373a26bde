#include "observe/alert_outbox.h"

#include <algorithm>

namespace weir::observe {
namespace {

constexpr flow::BackoffConfig pauses{
    .base = std::chrono::seconds(1), .cap = std::chrono::minutes(1), .jitter = flow::BackoffConfig::Jitter::equal};

}  // namespace

AlertOutbox::AlertOutbox(Duration repeat) : repeat_(repeat), backoff_(pauses) {}

void AlertOutbox::take(std::span<const AlertNews> news) {
  for (const AlertNews& one : news) entries_.insert_or_assign(Key{one.rule, one.kind, one.node}, Entry{one});
}

TimePoint AlertOutbox::due_at(const Entry& entry) const {
  if (entry.told == Told::on_its_way) return never;
  return entry.told == Told::no ? TimePoint::min() : entry.again;
}

std::vector<AlertNews> AlertOutbox::due(TimePoint now, std::size_t most) {
  std::vector<AlertNews> out;
  if (now < not_before_) return out;
  for (auto& [key, entry] : entries_) {
    if (out.size() == most) break;
    if (due_at(entry) > now) continue;
    out.push_back(entry.news);
    entry.repeats = entry.told == Told::yes;
    entry.told = Told::on_its_way;
  }
  return out;
}

void AlertOutbox::delivered(TimePoint now) {
  failures_ = 0;
  not_before_ = TimePoint::min();
  std::erase_if(entries_, [](const auto& e) { return e.second.told == Told::on_its_way && !e.second.news.firing; });
  for (auto& [key, entry] : entries_) {
    if (entry.told != Told::on_its_way) continue;
    entry.told = Told::yes;
    entry.again = repeat_ > Duration{0} ? now + repeat_ : never;
  }
}

void AlertOutbox::failed(TimePoint now, Duration asked, Rng& rng) {
  not_before_ = now + std::max(asked, backoff_.delay(failures_++, Duration{0}, rng));
  for (auto& [key, entry] : entries_)
    if (entry.told == Told::on_its_way) {
      entry.told = entry.repeats ? Told::yes : Told::no;
      entry.again = entry.repeats ? now : never;
    }
}

TimePoint AlertOutbox::next() const {
  TimePoint soonest = never;
  for (const auto& [key, entry] : entries_) soonest = std::min(soonest, due_at(entry));
  return soonest == never ? never : std::max(soonest, not_before_);
}

std::size_t AlertOutbox::waiting() const {
  return static_cast<std::size_t>(std::ranges::count_if(entries_, [](const auto& e) {
    return e.second.told == Told::no || (e.second.told == Told::on_its_way && !e.second.repeats);
  }));
}

}  // namespace weir::observe
