#pragma once
/// Bounds how often one peer may guess a secret. A token of 128 random bits needs no such bound; a short password does.
///
///   wrong      counts for its peer, in a window that its first wrong one begins; the one before once more is no new
///              guess: a client that was not told of a new secret asks with the old one for days
///   arrive     once `most` were wrong, everything of this peer is refused unheard until its window ends: whoever was
///              told whether the next guess is right could go on guessing
///
/// So a peer has at most most / window guesses a second on average: 10 in a minute are 14 400 a day, and half of all
/// passwords of eight random letters and digits would take 20 million years.
///
/// Only what is wrong counts: peers that send what is right, or nothing, are never refused. A right one forgives
/// nothing, since whoever has one secret may be guessing another. All who share an address share its window.
///
/// The table is bounded: each key has eight places it can be in. A new one takes a place whose window has ended, else
/// that of whom has the fewest wrong ones: whoever is refused stays so. Somebody with many addresses has as many
/// quotas.
///
/// When to choose it: in front of every comparison of a secret that people choose.
///
/// Thread: a value; its owner guards it. Cost: about 10 ns; 32 bytes a place.
#include <weir/base/checked.h>
#include <weir/base/result.h>

#include <cstdint>
#include <vector>

namespace weir::flow {

struct GuessLimitConfig {
  std::size_t peers = 1024;  ///< remembered at most; rounded up to a power of two
  std::uint32_t most = 10;   ///< wrong ones in a window; at least 1
  Duration window = std::chrono::minutes(1);
  bool operator==(const GuessLimitConfig&) const = default;
};

/// The first value that cannot be (weir/base/checked.h).
[[nodiscard]] std::optional<Unfit> check(const GuessLimitConfig& config);

class GuessLimit {
 public:
  explicit GuessLimit(const GuessLimitConfig& config = {});
  static Bytes footprint(const GuessLimitConfig& config);

  /// The rejection is too_many_guesses, with the rest of its window.
  [[nodiscard]] Admitted<void> arrive(std::uint64_t peer, TimePoint now);
  /// What it sent was wrong; `guess` is a hash of that. True: this one was the last that it had.
  bool wrong(std::uint64_t peer, std::uint64_t guess, TimePoint now);
  /// What they guessed at is another secret from now on.
  void forget();
  /// Whether anybody is remembered: while not, nobody need be told apart.
  bool remembers(TimePoint now) const { return last_end_ > now; }
  std::uint64_t refused() const { return refused_; }

 private:
  struct Entry {
    std::uint64_t peer = 0, guess = 0;  // the last one
    TimePoint end{};                    // of its window; in the past: the place is free
    std::uint32_t wrong = 0;
  };
  static constexpr std::size_t ways = 8;
  Entry* find(std::uint64_t peer, TimePoint now);
  std::size_t bucket(std::uint64_t peer) const;

  GuessLimitConfig config_;
  std::vector<Entry> entries_;
  TimePoint last_end_{};
  std::uint64_t refused_ = 0;
};

}  // namespace weir::flow
