#pragma once
/// The groups of one window: key to state, found by hash, in memory that grows in steps up to a limit and is kept for
/// the next window.
///
/// Group 0 is the overflow: all keys beyond the limit, and keys that are too long to keep, are folded into it.
///
/// Thread: behind the lock of the stage. Cost: two cache misses for a group that is not in the cache; no allocation
/// unless there are more groups than ever before.
#include <weir/component/expression/key_reader.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "folds.h"

namespace weir::aggregate {

inline constexpr std::size_t max_key_bytes = 120;  ///< of all fields of a key, as written

class Groups {
 public:
  struct Group {
    KeyHash hash;
    std::uint64_t events;
    std::uint32_t key_bytes;
    char key[max_key_bytes];  ///< the fields as written, each ended by a line feed, which none of them holds
  };

  /// At most `most` groups, besides the overflow.
  Groups(const Folds& folds, std::size_t most);
  static Bytes bytes_each(const Folds& folds);

  /// The group of the key that the reader holds; group 0 when there is no room for it.
  std::size_t find_or_add(const KeyReader& key, const KeyHash& hash);
  Group& group(std::size_t i) { return *reinterpret_cast<Group*>(at(i)); }
  std::byte* state(std::size_t i) { return at(i) + sizeof(Group); }
  /// With the overflow.
  std::size_t size() const { return size_; }
  void clear();

 private:
  static constexpr std::size_t step = 256;  // groups taken at a time
  std::byte* at(std::size_t i) { return pieces_[i / step].get() + i % step * stride_; }
  std::size_t slot_of(const KeyHash& hash);
  std::size_t add(const KeyHash& hash);
  void widen();

  const Folds* folds_;
  std::size_t most_, stride_, size_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> pieces_;
  struct Slot {
    std::uint32_t group = 0, tag = 0;  // group 0: free
  };
  std::vector<Slot> index_;
};

}  // namespace weir::aggregate
