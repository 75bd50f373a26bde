#pragma once
/// The kinds of text that stage `parse` takes apart. Each says in README.md what it makes of a line.
///
/// Thread: one owner for each object. Cost: one pass over the line. A line is valid UTF-8.
#include <weir/base/result.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "members.h"

namespace weir::parse {

/// Why a line is not of this format: one clause, with nothing of the line in it. Nothing: it is.
using Trouble = std::optional<std::string_view>;

class Format {
 public:
  virtual ~Format() = default;
  virtual Trouble parse(std::string_view line, Members& out) = 0;
};

inline constexpr std::string_view too_many_members = "it has more than 128 members";

std::unique_ptr<Format> raw_format();
std::unique_ptr<Format> logfmt_format();
std::unique_ptr<Format> csv_format(std::vector<std::string> columns, char separator);
std::unique_ptr<Format> syslog_format();
/// RE2's syntax, searched for anywhere in the line; its named groups become members.
Result<std::unique_ptr<Format>> regex_format(const std::string& pattern);

/// What a regular expression may take for its automata; slower, not larger, beyond it.
inline constexpr std::size_t regex_memory = 4 << 20;

}  // namespace weir::parse
