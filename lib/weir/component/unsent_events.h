#pragma once
/// What is left of a group when a sink sends it in parts: one request, one statement at a time.
///
/// The group's events are numbered over all its batches. What is left is a list of ranges of them, and what is sent
/// next is the front of the last range. When the other side refuses a part without saying which of its events is at
/// fault, two halves take its place, so that after at most 2 log2(n) attempts a single bad event of n is alone.
///
///   begin -> gather -> done        the part is finished
///                   -> halve       two halves of it instead
///                   -> refuse(k)   these are never sent again; the others of the part are gathered anew
///                   -> nothing     the next gather makes the same part again
///
/// Thread: one. Cost: 9 bytes an event; gather is O(what it looks at). Bound: the group's.
#include <weir/component/sink.h>

namespace weir {

class UnsentEvents {
 public:
  using Number = std::uint32_t;  ///< of an event in the group
  struct Index {
    std::uint32_t batch, event;
  };
  enum class Added : std::uint8_t { yes, no, full };  ///< no: it was refused

  bool empty() const { return left_.empty(); }
  void begin(std::span<const Batch> batches);
  /// Forgets the group: its sink was closed.
  void clear() { left_.clear(); }

  /// Makes the next part: asks add(number, index) about one event after the other until it says `full`, or the range
  /// is at its end. What did not go in becomes a range of its own.
  template <typename Add>
  void gather(Add&& add);
  /// How many events the range that gather looks at next may give.
  std::size_t most_next() const { return left_.back().to - left_.back().from; }
  /// The events of the part, ascending. Empty: all that gather looked at were refused.
  std::span<const Number> part() const { return part_; }

  void done() { left_.pop_back(); }
  /// Only a part of two or more.
  void halve();
  void refuse(Number number, std::string why);
  Index index_of(Number number) const { return indexes_[number]; }
  /// What was refused in the whole group, ascending; at its end.
  std::vector<Delivery::Refused> take_refused();

 private:
  struct Range {
    Number from, to;
  };
  std::vector<Index> indexes_;
  std::vector<char> refused_;  // one for each event
  std::vector<Range> left_;    // the last one is next
  std::vector<Number> part_;
  std::vector<Delivery::Refused> why_;
};

template <typename Add>
void UnsentEvents::gather(Add&& add) {
  part_.clear();
  const Range range = left_.back();
  Number i = range.from;
  for (; i < range.to; ++i) {
    if (refused_[i]) continue;
    const Added added = add(i, indexes_[i]);
    if (added == Added::full) break;
    if (added == Added::yes) part_.push_back(i);
  }
  left_.pop_back();
  if (i < range.to) left_.push_back({i, range.to});
  if (!part_.empty()) left_.push_back({range.from, i});
}

}  // namespace weir
