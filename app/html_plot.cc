#include "html_plot.h"

#include <fmt/format.h>

#include <cmath>

namespace weir::app {
namespace {

constexpr double plot_width = 820, plot_height = 220, plot_left = 70, plot_right = 10, plot_top = 10, plot_bottom = 30;

/// The next of 1, 2, 5 times a power of ten.
double round_up(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0})
    if (value <= step * power) return step * power;
  return 10 * power;
}

std::string plot_label(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format(R"(<text x="{:.0f}" y="{:.0f}" text-anchor="{}">{}</text>)", x, y, anchor, html_text(text));
}

std::string plot_axes(double most, std::string_view unit, Duration length) {
  std::string out;
  for (int i = 0; i <= 4; ++i) {
    const double y = plot_height - plot_bottom - (plot_height - plot_top - plot_bottom) * i / 4;
    out += fmt::format(R"(<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" stroke="#ddd"/>)", plot_left,
                       plot_width - plot_right, y, y);
    out += plot_label(plot_left - 6, y + 4, "end", fmt::format("{:g} {}", most * i / 4, unit));
    const double x = plot_left + (plot_width - plot_left - plot_right) * i / 4;
    out += plot_label(x, plot_height - 8, "middle", fmt::format("{:.3g} s", seconds(length) * i / 4));
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

std::string html_plot(std::string_view title, std::string_view unit, const std::vector<PlotSeries>& all,
                      Duration length) {
  double most = 0;
  for (const auto& series : all)
    for (const double value : series.values)
      if (value > most) most = value;  // never true of NaN
  most = round_up(most);
  std::string out = fmt::format("<h2>{}</h2><p>", html_text(title));
  for (const auto& series : all)
    out += fmt::format(R"(<span style="color:{}">&#9644;</span> {} &nbsp; )", series.colour, html_text(series.name));
  out += fmt::format(R"(</p><svg viewBox="0 0 {} {}" role="img">)", plot_width, plot_height) +
         plot_axes(most, unit, length);
  for (const auto& series : all) out += curve(series, most);
  return out + "</svg>\n";
}

std::string html_page(std::string_view title, std::string_view text, std::string_view plots) {
  return fmt::format(R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{}</title>
<style>body{{font:15px/1.5 sans-serif;max-width:860px;margin:2em auto;padding:0 1em;color:#222}}
pre{{background:#f6f6f6;padding:1em;white-space:pre-wrap}} svg{{width:100%}} text{{font-size:11px;fill:#555}}
h1{{font-size:1.3em}} h2{{font-size:1.05em;margin-bottom:0}} p{{margin:.3em 0}}</style></head>
<body><h1>{}</h1>
<pre>{}</pre>
{}</body></html>
)",
                     html_text(title), html_text(title), html_text(text), plots);
}

}  // namespace weir::app
