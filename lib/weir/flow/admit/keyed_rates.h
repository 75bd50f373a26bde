#pragma once
/// One rate limiter for each key, in a table that never grows.
///
/// A key is forgotten only when its quota is whole again: forgetting it then changes no answer, so no key comes back
/// with a fresh quota because others pushed it out (semantics F5). Each key has eight places it can be in. Where all
/// eight hold keys that still owe something, the keys that find no place share one limiter of that part of the table,
/// with the same rate: too little for them together, never too much for one of them. `shared` counts those arrivals; a
/// table that is large enough has none.
///
///   place for a key                                  answer
///   it has one                                       its own limiter's
///   one of its eight is free, or is whole again      takes that, and begins with what the shared limiter owes: it may
///                                                    be this key that owes it
///   none                                             the shared limiter's
///
/// A flood of distinct keys fills places for as long as their quotas take to be whole again (burst / rate); after that
/// they are taken over. Looking at eight places is all the work there is: nothing is ever resized or swept.
///
/// Thread: a value; its owner guards it. Cost: a hash is the caller's; eight comparisons, then the limiter's; up to
/// eight `facts` where a place is looked for. Memory: `footprint`, all of it from the start.
#include <weir/flow/admit/rate.h>

#include <algorithm>
#include <bit>
#include <vector>

namespace weir::flow {

template <RateLimiter L>
class KeyedRates {
 public:
  static constexpr std::size_t ways = 8;
  /// Room for `keys`, rounded up to a power of two and at least eight. Each limiter begins as `fresh`.
  KeyedRates(std::size_t keys, const L& fresh)
      : entries_(places(keys), Entry{0, false, fresh}), shared_(places(keys) / ways, fresh) {}
  static Bytes footprint(std::size_t keys) {
    return Bytes(places(keys) * sizeof(Entry) + places(keys) / ways * sizeof(L));
  }
  /// How many limiters a table for so many keys has.
  static std::size_t places_for(std::size_t keys) { return places(keys) + places(keys) / ways; }

  /// `key` is a hash of 64 bits, with a seed that clients do not know. All n or none; the value is how long they are to
  /// be delayed.
  [[nodiscard]] Admitted<Duration> try_take(std::uint64_t key, std::uint64_t n, TimePoint now) {
    return flow::try_take(limiter_of(key, now), n, now);
  }
  /// The same where n may be more than ever passes at once: once the key's quota is whole it overdraws.
  [[nodiscard]] Admitted<Duration> try_overdraw(std::uint64_t key, std::uint64_t n, TimePoint now)
    requires requires(L limiter) { limiter.ready_to_overdraw_in(n, now); }
  {
    L& limiter = limiter_of(key, now);
    const Duration wait = limiter.ready_to_overdraw_in(n, now);
    if (wait > Duration{0}) return rejected(Reason::rate_limited, wait);
    return limiter.take(n, now);
  }
  /// Units that have passed already: the key owes what it had not.
  void charge(std::uint64_t key, std::uint64_t n, TimePoint now) { (void)limiter_of(key, now).take(n, now); }
  void give_back(std::uint64_t key, std::uint64_t n, TimePoint now) {
    if (Entry* entry = find(key))
      entry->limiter.give_back(n, now);
    else
      shared_[part(key)].give_back(n, now);
  }
  RateFacts facts(std::uint64_t key, TimePoint now) const {
    const Entry* entry = const_cast<KeyedRates*>(this)->find(key);
    return (entry ? entry->limiter : shared_[part(key)]).facts(now);
  }
  /// Arrivals whose key found no place.
  std::uint64_t shared() const { return shared_arrivals_; }
  std::size_t capacity() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t key;
    bool used;
    L limiter;
  };
  static std::size_t places(std::size_t keys) { return std::bit_ceil(std::max(keys, ways)); }
  std::size_t part(std::uint64_t key) const { return static_cast<std::size_t>(key) & (shared_.size() - 1); }
  Entry* find(std::uint64_t key) {
    Entry* const first = &entries_[part(key) * ways];
    for (Entry* entry = first; entry != first + ways; ++entry)
      if (entry->used && entry->key == key) return entry;
    return nullptr;
  }
  L& limiter_of(std::uint64_t key, TimePoint now) {
    if (Entry* entry = find(key)) return entry->limiter;
    Entry* const first = &entries_[part(key) * ways];
    for (Entry* entry = first; entry != first + ways; ++entry) {
      if (entry->used && !is_whole(entry->limiter, now)) continue;
      *entry = Entry{key, true, shared_[part(key)]};
      return entry->limiter;
    }
    ++shared_arrivals_;
    return shared_[part(key)];
  }

  std::vector<Entry> entries_;
  std::vector<L> shared_;
  std::uint64_t shared_arrivals_ = 0;
};

}  // namespace weir::flow
