#pragma once
/// Whether a text is JSON, the beginning of JSON, or neither; by the grammar alone, which sets numbers no bound.
///
///   whole        {"n":123456789012345678901234567890}, {"x":1e400}, "\ud800"
///   unfinished   {"id":1 and "half: something must follow. What a crash leaves of an event
///   none         [ERROR] no disk, "quoted" text: can never become JSON. A line that somebody else wrote
///
/// simdjson is faster and decides first where it is used: it refuses numbers beyond 64 bits or a double, and single
/// surrogates, which are JSON all the same. That the text is UTF-8 is not looked at here.
///
/// Thread: a function. Cost: one pass, about 2 ns a byte; a byte of memory for each open bracket. Ref: RFC 8259.
#include <cstdint>
#include <string_view>

namespace weir {

enum class JsonForm : std::uint8_t { whole, unfinished, none };
JsonForm json_form_of(std::string_view text);

}  // namespace weir
