#pragma once
/// How a batch becomes lines: one line for each event, whatever it contains.
///
/// A batch that lies as lines is one piece. Otherwise each event is a piece with a line end behind it. A line feed
/// inside an event (JSON written over several lines) becomes a space, which means the same between the tokens of JSON;
/// an event with a line feed inside a text is not JSON; it could not be one line without a change, and is refused.
///
/// Thread: one. Cost: one scan for line feeds (about 10 GB/s); no copies.
#include <weir/component/batch.h>
#include <weir/component/sink.h>

#include "log_file.h"

namespace weir::file {

void append_lines(LogFile& log, const Batch& batch, std::uint32_t number, std::vector<Delivery::Refused>& refused);

}  // namespace weir::file
