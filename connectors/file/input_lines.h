#pragma once
/// Finds the line ends in what was read from a file.
///
/// A line is an event; its line end, LF or CR LF, is not part of it; an empty line is none. Zeros in front of a line
/// are a hole that copytruncate left, and no part of it; zeros that nothing follows are left for later. A line that has
/// not ended is left for later (or is the last, when the file ends). One longer than `max_event` is never looked at
/// again: it is told apart so that it can be stepped over.
///
/// Thread: a pure function. Cost: one memchr a line, about 10 ns and 0.1 ns a byte.
#include <weir/component/batch.h>

#include <cstdint>
#include <span>
#include <vector>

namespace weir::file {

struct Lines {
  std::size_t used = 0;    ///< bytes up to the end of the last whole line
  bool too_large = false;  ///< nothing was used, because the line at the front is longer than max_event
};

/// `index` is filled anew, with at most `most` events.
Lines find_lines(std::span<const char> data, bool is_last, std::size_t max_event, std::size_t most,
                 std::vector<Batch::Slot>& index);

}  // namespace weir::file
