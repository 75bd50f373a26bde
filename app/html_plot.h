#pragma once
/// Pages that need nothing else: a text, and plots over time, drawn here as SVG.
///
/// Thread: pure functions. Cost: about 20 bytes a value.
#include <weir/base/units.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::app {

struct PlotSeries {
  std::string name;
  const char* colour;
  std::vector<double> values{};  ///< a value for each slice; NaN: none
};

/// A moment with a word about it.
struct PlotMark {
  Duration at{0};
  std::string text;
};

struct HtmlPlot {
  std::string title, unit;
  std::vector<PlotSeries> series{};
  Duration length{0};
  std::vector<PlotMark> marks{};
  double least_top = 0;  ///< the scale reaches so far at least: plots side by side have the same

  double highest() const;  ///< of its values
};

std::string html_plot(const HtmlPlot& plot);
inline std::string html_plot(std::string title, std::string unit, std::vector<PlotSeries> all, Duration length) {
  return html_plot(HtmlPlot{std::move(title), std::move(unit), std::move(all), length});
}
/// With what HTML would take for its own escaped.
std::string html_text(std::string_view text);
/// A title, what is said as plain text, and the plots.
std::string html_page(std::string_view title, std::string_view text, std::string_view plots);
/// One thing of several: its plots, and behind them what is said of it as plain text.
struct HtmlColumn {
  std::string title, text;
  std::vector<HtmlPlot> plots{};
};
/// Side by side where there is room. Plots of the same place in several columns get the same scale.
std::string html_page(std::string_view title, std::vector<HtmlColumn> columns);

}  // namespace weir::app
