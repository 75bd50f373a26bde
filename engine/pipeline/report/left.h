#pragma once
/// What a stop gives up, and where it still is: three things that must never be told as one.
///
///   lost      nobody has it and nobody sends it again: accepted without a receipt; or a copy for an optional
///             sink whose sender was told that it is stored
///   repeated  its sender was not told, and sends it again; an event counts once, on however many paths it was
///   on_disk   its reader's place in a journal has not moved over it
///
/// A copy for an optional sink is owed to nobody, so only its id tells whether the sender knows: the same event given
/// up on a required path as well is sent again, and its copy with it.
///
/// Thread: a value; one for each part that gives up, added together. Cost: 16 bytes for each run of ids.
#include <weir/component/batch.h>

#include <utility>
#include <vector>

namespace weir::pipeline {

/// A set of ids, as ranges. They mostly follow each other.
class IdRanges {
 public:
  void add(std::uint64_t id);
  void add(const IdRanges& other);
  /// Each id once.
  std::uint64_t count() const;
  std::uint64_t count_without(const IdRanges& others) const;

 private:
  using Range = std::pair<std::uint64_t, std::uint64_t>;  // first, last
  std::vector<Range> sorted() const;
  std::vector<Range> ranges_;
};

/// Where events are whose receipts end abandoned.
enum class Remains : std::uint8_t {
  with_sender,  ///< it was not told: it sends them again, or they are read again where they came from
  on_disk,      ///< the receipts are those of a journal's reader: the next start goes on with them
};

struct Left {
  std::uint64_t events = 0;      ///< that ended abandoned, on each path
  std::uint64_t unanswered = 0;  ///< of these: accepted before
  std::uint64_t on_disk = 0;
  std::uint64_t merged = 0;  ///< of these: on the way into an aggregate, with a sender who was not told
  IdRanges owed, copies;

  /// The events of `batch` end here, but for `moved` (ascending).
  void add(const Batch& batch, Remains remains = Remains::with_sender, std::span<const Batch::Ending> moved = {});
  Left& operator+=(const Left& other);

  std::uint64_t lost() const { return unanswered + copies.count_without(owed); }
  std::uint64_t repeated() const { return merged + owed.count(); }
};

}  // namespace weir::pipeline
