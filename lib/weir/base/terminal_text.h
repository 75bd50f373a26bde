#pragma once
/// Makes text from outside (names, events, answers of other machines) safe for a terminal. A terminal executes control
/// sequences in what it is sent: an event could clear the screen, retitle the window, type for the user, or make a line
/// read backwards.
///
/// Characters that a terminal would execute, or show as something else than they are, become visible:
///
///   \n \r                      line ends, so that one text stays one line
///   \x1b                       other control characters (tab stays), DEL, and every byte that is not UTF-8
///   \u{85} \u{202e} \u{200b}   C1 controls; marks that turn the direction of text; separators, tags and other
///                              characters that are not seen
///
/// Backslashes are not doubled: the result is for people to read, not for a parser.
///
/// Thread: pure functions. Cost: one pass, about 1 ns a byte; runs of plain ASCII are copied whole.
/// Ref: RFC 3629; Unicode Standard Annex 9 (bidirectional marks); CVE-2021-42574 ("Trojan Source").
#include <string>
#include <string_view>

namespace weir {

std::string terminal_text(std::string_view text);
/// The same, behind what `out` already holds.
void append_terminal_text(std::string& out, std::string_view text);

}  // namespace weir
