#pragma once
/// Anything movable as an item of a Channel: one event that cannot be cut, with the bytes it counts for.
///
///   async::Channel<async::Item<int>> channel({{.bound = {8, 1_KiB}}}, context, [](auto, Reason) {});
///   channel.try_send(42);                               // or send_for(42, 1s); an Admitted<void>, as for any item
///   if (auto got = channel.try_receive(async::one_item)) use(**got);
///
/// Give it its size where a value holds memory of its own (a string, a vector): `Item(text, Bytes(text.size()))`;
/// otherwise the byte bound counts sizeof(T) alone. It is as old as its first attempt to enter, so expire_after, CoDel
/// and ageing work. A type that can be cut (a batch) or knows its age has the five functions of flow::Waiting itself.
///
/// Thread: a value. Cost: a move of T and 32 bytes. On cancel: a value that was refused stays in its Item.
#include <weir/flow/queue/lanes.h>

#include <optional>
#include <utility>

namespace weir::async {

template <std::movable T>
class Item {
 public:
  Item() = default;                                                                    ///< holds nothing
  Item(T value, Bytes bytes = Bytes(sizeof(T)), Priority priority = Priority::normal)  // NOLINT: 42 is one
      : value_(std::move(value)), bytes_(bytes), priority_(priority) {}

  bool has_value() const { return value_.has_value(); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }

  // flow::Waiting
  Load load() const { return value_ ? Load{1, bytes_} : Load{}; }
  Priority priority() const { return priority_; }
  TimePoint since() const { return since_; }
  std::uint32_t prefix(Load room) const { return value_ && load().fits_in(room) ? 1 : 0; }
  Item split(std::uint32_t n) { return n == 0 ? Item{} : std::exchange(*this, Item{}); }
  /// By the channel, at each attempt; the first one counts.
  void stamp(TimePoint now) {
    if (since_ == TimePoint{}) since_ = now;
  }

 private:
  std::optional<T> value_{};
  Bytes bytes_{};
  Priority priority_ = Priority::normal;
  TimePoint since_{};
};

/// What to receive one at a time: `try_receive(one_item)`.
inline constexpr Load one_item{1, Bytes(~std::uint64_t{0})};

}  // namespace weir::async
