#pragma once
/// Which value of an event is its id, and the id of one that has none of its own, for sinks that skip events they hold
/// already.
///
///   orders/3/1041/1700000000000   where it was read, if its source says so, and what tells that place from one that
///                                 was made again under its name: the same each time it is read
///   70368744177664                else its number in what was read: the same as long as this process delivers it.
///                                 Numbers begin at 64 random bits, so that those of two processes do not meet
///                                 (decision 0015)
///
/// Thread: pure functions. Cost: about 30 ns.
#include <weir/component/batch.h>
#include <weir/component/expression/json_event.h>

#include <string>

namespace weir {

/// An empty text is no id: senders that leave it empty would have all their events taken for one.
inline bool is_id(const JsonValue& value) {
  return value.kind == JsonValue::Kind::number || (value.kind == JsonValue::Kind::text && !value.text.empty());
}

void append_own_id(std::string& out, const Batch& batch, std::uint32_t event);

/// An own id of this batch was never given to anybody before: a row that goes by it already is another event's.
inline bool own_ids_are_new(const Batch& batch) { return !batch.info().place && !batch.info().read_again; }

}  // namespace weir
