#pragma once
/// The page that `weir top` draws, as lines: pure, so that tests and people can look at it without a terminal.
///
/// Thread: pure. Cost: a few KiB of text.
#include <string>
#include <vector>

#include "top_data.h"

namespace weir::app {

struct TopView {
  int columns = 100, rows = 0;  ///< rows 0: as many as there are
  bool color = false;
  bool interactive = false;  ///< with a selection and the line of keys
  bool paused = false, help = false, details = false;
  int selected = 0;
  enum class Sort : std::uint8_t { file, rate, fill } sort = Sort::file;
  std::string admin, error;  ///< where it asks; why there was no answer
};

/// How many rows can be selected: sources, stages, sinks, gateways and upstreams.
int top_rows(const TopData& data);
/// Puts the rows of each section into the order of view.sort.
void sort_rows(TopData& data, TopView::Sort sort);
std::vector<std::string> top_screen(const TopData& data, const TopView& view);

}  // namespace weir::app
