#pragma once
/// What a record keeps of its batch besides the events: where they were read (FORMAT.md, "Attributes"). An event that
/// brings no id is known by its place, and must still be after a crash: the log it was read from brings it again, and
/// what had gone through a journal or a spill before must not be taken for another event.
///
/// Of a batch that has no place nothing is written. Attributes of a kind that this program does not know are stepped
/// over.
///
/// Thread: pure functions. Cost: nothing without a place; with one a copy of its marks, and an allocation to read it.
#include <weir/component/batch.h>

#include <cstddef>
#include <string_view>

namespace weir::journal {

/// What `encode_attributes` writes for this batch.
std::size_t attributes_size(const Batch& batch);
/// The end of what was written.
char* encode_attributes(const Batch& batch, char* to);
/// Sets what the attributes say; leaves the rest, and all of it where they are not as they should be.
void decode_attributes(std::string_view attributes, BatchInfo& info);

}  // namespace weir::journal
