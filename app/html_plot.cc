#include "html_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace weir::app {
namespace {

constexpr double plot_width = 820, plot_height = 220, plot_left = 70, plot_right = 20, plot_top = 10, plot_bottom = 30;

/// The next of 1, 2, 5 times a power of ten.
double round_up(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0})
    if (value <= step * power) return step * power;
  return 10 * power;
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format(R"(<text x="{:.0f}" y="{:.0f}" text-anchor="{}">{}</text>)", x, y, anchor, html_text(text));
}

std::string plot_axes(double most, std::string_view unit, Duration length) {
  std::string out;
  for (int i = 0; i <= 4; ++i) {
    const double y = plot_height - plot_bottom - (plot_height - plot_top - plot_bottom) * i / 4;
    out += fmt::format(R"(<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" stroke="#ddd"/>)", plot_left,
                       plot_width - plot_right, y, y);
    out += label(plot_left - 6, y + 4, "end", fmt::format("{:g} {}", most * i / 4, unit));
    const double x = plot_left + (plot_width - plot_left - plot_right) * i / 4;
    out += label(x, plot_height - 8, "middle", fmt::format("{:.3g} s", seconds(length) * i / 4));
  }
  return out;
}

/// Lines; where there is no value they stop.
std::string curve(const PlotSeries& series, double most) {
  std::string points;
  bool drawing = false;
  const double step = (plot_width - plot_left - plot_right) / static_cast<double>(series.values.size());
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    const double value = series.values[i];
    if (!std::isnan(value))
      points += fmt::format("{}{:.1f} {:.1f}", drawing ? "L" : "M", plot_left + step * (static_cast<double>(i) + 0.5),
                            plot_height - plot_bottom - (plot_height - plot_top - plot_bottom) * value / most);
    // A value alone is a dot.
    if (!drawing && !std::isnan(value)) points += "h0";
    drawing = !std::isnan(value);
  }
  return fmt::format(
      R"(<path d="{}" fill="none" stroke="{}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>)",
      points, series.colour);
}

/// Vertical lines, their texts one below the other, so that close ones stay readable.
std::string marks_of(const HtmlPlot& plot) {
  std::string out;
  double y = plot_top + 11;
  for (const auto& mark : plot.marks) {
    const double share = plot.length > Duration{0} ? seconds(mark.at) / seconds(plot.length) : 0;
    const double x = plot_left + (plot_width - plot_left - plot_right) * std::clamp(share, 0.0, 1.0);
    out += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}" stroke="#888" stroke-dasharray="4 3"/>)", x,
                       plot_top, plot_height - plot_bottom);
    out += label(share > 0.7 ? x - 4 : x + 4, y, share > 0.7 ? "end" : "start", mark.text);
    y += 13;
  }
  return out;
}

std::string page_section(std::string_view title, std::string_view inside) {
  return fmt::format("<section><h1>{}</h1>\n{}</section>\n", html_text(title), inside);
}
std::string page_text(std::string_view text) { return fmt::format("<pre>{}</pre>\n", html_text(text)); }

std::string whole_page(std::string_view title, std::string_view body, int most_wide) {
  return fmt::format(R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{}</title>
<style>body{{font:15px/1.5 sans-serif;max-width:{}px;margin:2em auto;padding:0 1em;color:#222;
display:flex;flex-wrap:wrap;gap:2em}} section{{flex:1 1 420px;min-width:0}}
pre{{background:#f6f6f6;padding:1em;font-size:12px;white-space:pre-wrap}}
svg{{width:100%}} text{{font-size:11px;fill:#555;paint-order:stroke;stroke:#fff;stroke-width:3px}}
h1{{font-size:1.3em}} h2{{font-size:1.05em;margin-bottom:0}} p{{margin:.3em 0}}</style></head>
<body>{}</body></html>
)",
                     html_text(title), most_wide, body);
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

double HtmlPlot::highest() const {
  double most = 0;
  for (const auto& one : series)
    for (const double value : one.values)
      if (value > most) most = value;  // never true of NaN
  return most;
}

std::string html_plot(const HtmlPlot& plot) {
  const double most = round_up(std::max(plot.highest(), plot.least_top));
  std::string out = fmt::format("<h2>{}</h2><p>", html_text(plot.title));
  for (const auto& series : plot.series)
    out += fmt::format(R"(<span style="color:{}">&#9644;</span> {} &nbsp; )", series.colour, html_text(series.name));
  out += fmt::format(R"(</p><svg viewBox="0 0 {} {}" role="img">)", plot_width, plot_height) +
         plot_axes(most, plot.unit, plot.length);
  for (const auto& series : plot.series) out += curve(series, most);
  return out + marks_of(plot) + "</svg>\n";
}

std::string html_page(std::string_view title, std::vector<HtmlColumn> columns) {
  for (auto& column : columns)
    for (std::size_t i = 0; i < column.plots.size(); ++i)
      for (const auto& other : columns)
        if (i < other.plots.size())
          column.plots[i].least_top = std::max(column.plots[i].least_top, other.plots[i].highest());
  std::string body;
  for (const auto& column : columns) {
    std::string plots;
    for (const auto& plot : column.plots) plots += html_plot(plot);
    body += page_section(column.title, plots + page_text(column.text));
  }
  return whole_page(title, body, columns.size() > 1 ? 1500 : 860);
}

std::string html_page(std::string_view title, std::string_view text, std::string_view plots) {
  return whole_page(title, page_section(title, page_text(text) + std::string(plots)), 860);
}

}  // namespace weir::app
