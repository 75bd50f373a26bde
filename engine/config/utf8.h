#pragma once
/// Finds bytes that are not text: invalid UTF-8 (overlong forms, surrogates and cut sequences included) and control
/// characters other than tab and line ends. The YAML parser would replace or misread them silently.
///
/// Thread: pure. Cost: one pass. Ref: RFC 3629, section 4.
#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

struct BadCharacter {
  int line, column;  ///< from 1; columns count characters
  std::string what;
};

std::optional<BadCharacter> first_bad_character(std::string_view text);

}  // namespace weir::config
