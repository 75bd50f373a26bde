#pragma once
/// Escapes and unescapes the inside of a JSON string, between its quotes.
///
/// Whatever `unescape_json` read, `put_escaped` writes in no more bytes than it was read from: what a stage makes of
/// a text is never longer than the text as it came. (Hence DEL stays as it is, unlike in json_text, which is for
/// terminals.)
///
/// Thread: pure functions. Cost: one pass, runs without escapes are copied. Ref: RFC 8259 section 7.
#include <weir/component/expression/room.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

void append_utf8(std::string& out, std::uint32_t code_point);
/// Appends; false: this is not the inside of a JSON string, and what was appended is of no use.
bool unescape_json(std::string_view raw, std::string& out);
/// Whether all its escapes are JSON's, those that make no character (half a surrogate pair) as well.
bool has_json_escapes_only(std::string_view raw);
/// Writes valid UTF-8 so that it may stand between quotes.
void put_escaped(std::string_view text, Room& out);
inline void append_escaped(std::string_view text, std::string& out) {
  append_within(out, 6 * text.size(), [&](Room& room) { put_escaped(text, room); });
}

}  // namespace weir
