#pragma once
/// How many events of a delivery a table held already: what a sink that stores each id once tells the pipeline, in
/// Delivery::already and ::strange. A statement says how many rows it added, never which ones.
///
///   already   rows sent - rows added
///   strange   already - rows that may be there already, at least 0: those with an id of the event's own, or one that
///             Weir gave before (event_id.h)
///
/// Thread: one owner. Cost: none.
#include <weir/component/event_id.h>
#include <weir/component/sink.h>

#include <algorithm>
#include <cstdint>

namespace weir {

class AlreadyThere {
 public:
  /// A row goes by append_own_id.
  void new_id(const Batch& batch) { new_ids_ += own_ids_are_new(batch); }
  void new_ids(std::uint64_t rows) { new_ids_ += rows; }
  void sent(std::uint64_t rows, std::uint64_t added) {
    rows_ += rows;
    already_ += rows - std::min(rows, added);
  }
  void tell(Delivery& delivery) const {
    const auto may_be_there = rows_ - std::min(rows_, new_ids_);
    delivery.already = already_;
    delivery.strange = already_ - std::min(already_, may_be_there);
  }

 private:
  std::uint64_t rows_ = 0, already_ = 0, new_ids_ = 0;
};

}  // namespace weir
