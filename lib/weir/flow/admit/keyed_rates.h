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
/// Other limits (`become`) reach each key when it comes next, and of its new quota it has used as large a part as of
/// the old one: a change is never a fresh quota, however often it is made.
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
      : fresh_(fresh),
        entries_(places(keys), Entry{0, false, 0, fresh}),
        shared_(places(keys) / ways, Shared{fresh, 0}) {}
  static Bytes footprint(std::size_t keys) {
    return Bytes(places(keys) * sizeof(Entry) + places(keys) / ways * sizeof(Shared));
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
  /// How long until `try_overdraw` gives it.
  Duration ready_to_overdraw_in(std::uint64_t key, std::uint64_t n, TimePoint now)
    requires requires(L limiter) { limiter.ready_to_overdraw_in(n, now); }
  {
    return limiter_of(key, now).ready_to_overdraw_in(n, now);
  }
  /// Units that have passed already: the key owes what it had not.
  void charge(std::uint64_t key, std::uint64_t n, TimePoint now) { (void)limiter_of(key, now).take(n, now); }
  void give_back(std::uint64_t key, std::uint64_t n, TimePoint now) { known_to(key, now).give_back(n, now); }
  RateFacts facts(std::uint64_t key, TimePoint now) const {
    return const_cast<KeyedRates*>(this)->known_to(key, now).facts(now);
  }
  /// From now on each key has a limiter like this one. Cost: none now, one `become` for each key that comes again.
  void become(const L& fresh)
    requires requires(L limiter, TimePoint now) { limiter.become(limiter, now); }
  {
    fresh_ = fresh;
    ++generation_;
  }
  /// Arrivals whose key found no place.
  std::uint64_t shared() const { return shared_arrivals_; }
  std::size_t capacity() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t key;
    bool used;
    std::uint32_t generation;
    L limiter;
  };
  struct Shared {
    L limiter;
    std::uint32_t generation;
  };
  static std::size_t places(std::size_t keys) { return std::bit_ceil(std::max(keys, ways)); }
  std::size_t part(std::uint64_t key) const { return static_cast<std::size_t>(key) & (shared_.size() - 1); }
  Entry* find(std::uint64_t key) {
    Entry* const first = &entries_[part(key) * ways];
    for (Entry* entry = first; entry != first + ways; ++entry)
      if (entry->used && entry->key == key) return entry;
    return nullptr;
  }
  template <typename Place>
  L& of(Place& place, TimePoint now) {
    if constexpr (requires(L limiter) { limiter.become(limiter, now); })
      if (place.generation != generation_) {
        place.limiter.become(fresh_, now);
        place.generation = generation_;
      }
    return place.limiter;
  }
  /// Looks for no place.
  L& known_to(std::uint64_t key, TimePoint now) {
    if (Entry* entry = find(key)) return of(*entry, now);
    return of(shared_[part(key)], now);
  }
  L& limiter_of(std::uint64_t key, TimePoint now) {
    if (Entry* entry = find(key)) return of(*entry, now);
    Entry* const first = &entries_[part(key) * ways];
    for (Entry* entry = first; entry != first + ways; ++entry) {
      if (entry->used && !is_whole(entry->limiter, now)) continue;
      *entry = Entry{key, true, generation_, of(shared_[part(key)], now)};
      return entry->limiter;
    }
    ++shared_arrivals_;
    return of(shared_[part(key)], now);
  }

  L fresh_;
  std::uint32_t generation_ = 0;
  std::vector<Entry> entries_;
  std::vector<Shared> shared_;
  std::uint64_t shared_arrivals_ = 0;
};

}  // namespace weir::flow
