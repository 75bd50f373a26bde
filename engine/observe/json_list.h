#pragma once
/// Rows joined with commas into [ ... ].
///
/// Thread: pure. Cost: the text.
#include <string>

namespace weir::observe {

template <typename Range, typename F>
std::string list(const Range& range, F&& row) {
  std::string out = "[";
  for (const auto& item : range) out += (out.size() > 1 ? "," : "") + row(item);
  return out + "]";
}

}  // namespace weir::observe
