#pragma once
/// Pages that need nothing else: a text, and plots over time, drawn here as SVG.
///
/// Thread: pure functions. Cost: about 20 bytes a value.
#include <weir/base/units.h>

#include <string>
#include <string_view>
#include <vector>

namespace weir::app {

struct PlotSeries {
  std::string name;
  const char* colour;
  std::vector<double> values{};  ///< a value for each slice; NaN: none
};

std::string html_plot(std::string_view title, std::string_view unit, const std::vector<PlotSeries>& all,
                      Duration length);
/// With what HTML would take for its own escaped.
std::string html_text(std::string_view text);
/// A title, what is said as plain text, and the plots.
std::string html_page(std::string_view title, std::string_view text, std::string_view plots);

}  // namespace weir::app
