#pragma once
/// Where something stands in a JSON event: `.order.items[0].price`, `."odd key"`.
///
/// A name is letters, digits, `_ - @ $` and anything above ASCII; every other key is written in quotes, with the
/// escapes its sender used. An index counts from 0. Bounded: 16 steps, 256 bytes.
///
/// Thread: a value. Cost: parsed once at start.
#include <weir/base/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Without steps it is the event itself: `.` in an expression.
struct Path {
  struct Step {
    std::string key;                       ///< as it stands in the event; unused with an index
    std::optional<std::uint32_t> index{};  ///< of an array
    std::uint64_t head = 0;                ///< of the key (JsonMembers::head_of)
    bool operator==(const Step&) const = default;
  };
  std::vector<Step> steps;
  bool operator==(const Path&) const = default;

  static constexpr std::size_t max_steps = 16;
  static constexpr std::size_t max_bytes = 256;

  /// All of `text`, or an error with a caret under the place.
  static Result<Path> parse(std::string_view text);
};

/// Reads a path at `at` and moves `at` behind it; a text says what is wrong at `at`.
std::optional<std::string> parse_path(std::string_view text, std::size_t& at, Path& path);

/// "message\n  text\n     ^": the message and the text with a caret under byte `at` of it.
Error caret_error(std::string_view message, std::string_view text, std::size_t at);

}  // namespace weir
