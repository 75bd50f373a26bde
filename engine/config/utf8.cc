#include "config/utf8.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

namespace weir::config {
std::optional<BadCharacter> first_bad_character(std::string_view text) {
  int line = 1, column = 1;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) return BadCharacter{line, column, fmt::format("byte 0x{:02x} is not UTF-8", c)};
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
      return BadCharacter{line, column, fmt::format("a control character (0x{:02x}) is no text", c)};
    i += length;
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  return std::nullopt;
}

}  // namespace weir::config
