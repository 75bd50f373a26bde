#include <weir/flow/admit/guess_limit.h>

#include <algorithm>
#include <bit>
#include <span>

namespace weir::flow {

std::optional<Unfit> check(const GuessLimitConfig& config) {
  if (config.most == 0) return Unfit{"most", "is 0: at least 1, or nobody could be wrong and nobody let in"};
  return check_duration("window", config.window);
}

GuessLimit::GuessLimit(const GuessLimitConfig& config)
    : config_(checked(config, "guess limit")), entries_(std::bit_ceil(std::max(config.peers, ways))) {}

Bytes GuessLimit::footprint(const GuessLimitConfig& config) {
  return Bytes(std::bit_ceil(std::max(config.peers, ways)) * sizeof(Entry));
}

std::size_t GuessLimit::bucket(std::uint64_t peer) const {
  const std::uint64_t spread = (peer ^ (peer >> 32)) * 0x9e3779b97f4a7c15u;
  return static_cast<std::size_t>(spread >> 32) & (entries_.size() - 1) & ~(ways - 1);
}

GuessLimit::Entry* GuessLimit::find(std::uint64_t peer, TimePoint now) {
  for (Entry& entry : std::span(entries_).subspan(bucket(peer), ways))
    if (entry.peer == peer && entry.end > now) return &entry;
  return nullptr;
}

Admitted<void> GuessLimit::arrive(std::uint64_t peer, TimePoint now) {
  const Entry* entry = find(peer, now);
  if (!entry || entry->wrong < config_.most) return {};
  ++refused_;
  return rejected(Reason::too_many_guesses, entry->end - now);
}

bool GuessLimit::wrong(std::uint64_t peer, std::uint64_t guess, TimePoint now) {
  Entry* entry = find(peer, now);
  if (entry && entry->guess == guess) return false;
  if (!entry) {
    const auto worth = [&](const Entry& e) { return e.end > now ? e.wrong : 0; };
    entry = &*std::ranges::min_element(std::span(entries_).subspan(bucket(peer), ways), {}, worth);
    *entry = {.peer = peer, .end = now + config_.window};
    last_end_ = entry->end;
  }
  entry->guess = guess;
  return ++entry->wrong == config_.most;
}

void GuessLimit::forget() {
  std::ranges::fill(entries_, Entry{});
  last_end_ = {};
}

}  // namespace weir::flow
