#include "log/repeats.h"

#include <algorithm>
#include <utility>

namespace weir::log {

std::uint64_t key_of_line(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  bool in_number = false;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && std::exchange(in_number, true)) continue;
    in_number = digit;
    hash = (hash ^ static_cast<unsigned char>(digit ? '0' : c)) * 0x100000001b3u;
  }
  return hash;
}

Repeats::Entry& Repeats::find(Table& table, std::uint64_t key, const RepeatLimits& limits, TimePoint now) {
  if (const auto known = table.find(key); known != table.end()) return known->second;
  if (table.size() >= limits.most) {
    const auto oldest = std::ranges::min_element(table, {}, [](const auto& entry) { return entry.second.since; });
    forgotten_ += oldest->second.left_out;
    table.erase(oldest);
  }
  return table.emplace(key, Entry{now}).first->second;
}

std::optional<std::uint64_t> Repeats::admit(std::uint64_t line, std::uint64_t place, const RepeatLimits& limits,
                                            TimePoint now) {
  std::uint64_t left_out = 0;
  Entry* entries[] = {&find(lines_, line, limits, now), &find(places_, place, limits, now)};
  const std::uint32_t most[] = {limits.per_line, limits.per_place};
  for (std::size_t i = 0; i < 2; ++i) {
    Entry& entry = *entries[i];
    if (now - entry.since >= limits.window) entry.since = now, entry.said = 0;
    if (entry.said >= most[i]) {
      ++entry.left_out;
      return std::nullopt;
    }
  }
  for (Entry* entry : entries) {
    ++entry->said;
    left_out += std::exchange(entry->left_out, 0);
  }
  return left_out + std::exchange(forgotten_, 0);
}

std::uint64_t Repeats::take_left_out() {
  std::uint64_t sum = std::exchange(forgotten_, 0);
  for (Table* table : {&lines_, &places_})
    for (auto& [key, entry] : *table) sum += std::exchange(entry.left_out, 0);
  return sum;
}

}  // namespace weir::log
