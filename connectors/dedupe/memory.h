#pragma once
/// Which keys were seen within a window of time, in bounded memory.
///
/// Keys stand in a ring in the order they came, and in an index by their hash. Those older than the window leave at the
/// front; when the ring is full the oldest leaves early and is counted as forgotten.
///
/// Thread: one owner, or behind a lock. Cost: about 50 ns; all memory is taken at once and never grows.
#include <weir/component/expression/key_reader.h>

#include <vector>

namespace weir::dedupe {

class Memory {
 public:
  /// 1 to 2^30 keys.
  Memory(std::size_t most, Duration window);
  static Bytes bytes_of(std::size_t most);

  /// True: it was seen less than a window ago. Otherwise it is remembered from now on.
  bool seen(const KeyHash& key, TimePoint now);
  std::size_t size() const { return count_; }
  std::uint64_t forgotten() const { return forgotten_; }

 private:
  struct Entry {
    KeyHash key;
    TimePoint since;
  };
  static std::size_t slots_for(std::size_t most);
  std::size_t home(const KeyHash& key) const { return key.low & (index_.size() - 1); }
  std::size_t slot_of(const KeyHash& key) const;
  void forget_oldest();

  Duration window_;
  std::vector<Entry> ring_;
  std::vector<std::uint32_t> index_;  // place in the ring + 1; 0: free
  std::size_t oldest_ = 0, count_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace weir::dedupe
