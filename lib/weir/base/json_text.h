#pragma once
/// Text as a JSON string, quotes included. For the few places that write JSON by hand: answers, dead letters, reports.
/// Control characters are escaped, and bytes that are not UTF-8 become U+FFFD, so hostile names never reach a terminal
/// or a parser as they came.
///
/// Thread: pure functions. Cost: one pass. Ref: RFC 8259, RFC 3629.
#include <string>
#include <string_view>

namespace weir {

std::string json_text(std::string_view text);
bool is_utf8(std::string_view text);
/// Length in bytes of the valid UTF-8 character at the front, 0 if there is none.
std::size_t utf8_length(std::string_view text);

}  // namespace weir
