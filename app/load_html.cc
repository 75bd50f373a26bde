#include "load_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "config/units_parse.h"

namespace weir::app {
namespace {

constexpr double width = 820, height = 220, left = 70, right = 20, top = 10, bottom = 30;

struct Series {
  const char *name, *colour;
  std::vector<double> values;  ///< a value for each slice; NaN: none
};

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

std::string axes(double most, std::string_view unit, Duration length) {
  std::string out;
  for (int i = 0; i <= 4; ++i) {
    const double y = height - bottom - (height - top - bottom) * i / 4;
    out += fmt::format(R"(<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" stroke="#ddd"/>)", left, width - right, y, y);
    out += label(left - 6, y + 4, "end", fmt::format("{:g} {}", most * i / 4, unit));
    const double x = left + (width - left - right) * i / 4;
    out += label(x, height - 8, "middle", fmt::format("{:.3g} s", seconds(length) * i / 4));
  }
  return out;
}

/// Lines; where there is no value they stop.
std::string path(const Series& series, double most) {
  std::string points;
  bool drawing = false;
  const double step = (width - left - right) / static_cast<double>(series.values.size());
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    const double value = series.values[i];
    if (!std::isnan(value))
      points += fmt::format("{}{:.1f} {:.1f}", drawing ? "L" : "M", left + step * (static_cast<double>(i) + 0.5),
                            height - bottom - (height - top - bottom) * value / most);
    // A value alone is a dot.
    if (!drawing && !std::isnan(value)) points += "h0";
    drawing = !std::isnan(value);
  }
  return fmt::format(
      R"(<path d="{}" fill="none" stroke="{}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>)",
      points, series.colour);
}

/// Vertical lines, their texts one below the other, so that close ones stay readable.
std::string marks_of(const LoadPicture& picture) {
  std::string out;
  double y = top + 11;
  for (const auto& mark : picture.marks) {
    const double share = picture.length > Duration{0} ? seconds(mark.at) / seconds(picture.length) : 0;
    const double x = left + (width - left - right) * std::clamp(share, 0.0, 1.0);
    out += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}" stroke="#888" stroke-dasharray="4 3"/>)", x,
                       top, height - bottom);
    out += label(share > 0.7 ? x - 4 : x + 4, y, share > 0.7 ? "end" : "start", mark.text);
    y += 13;
  }
  return out;
}

struct LoadPlot {
  const char *title, *unit;
  std::vector<Series> (*series)(const LoadPicture&);
};

template <double LoadPicture::Slice::*... values>
std::vector<Series> series_of(const LoadPicture& picture, std::initializer_list<Series> empty) {
  std::vector<Series> all(empty);
  for (const auto& slice : picture.slices) {
    std::size_t i = 0;
    (all[i++].values.push_back(slice.*values), ...);
  }
  return all;
}

std::vector<Series> calls_of(const LoadPicture& picture) {
  using Slice = LoadPicture::Slice;
  auto all = series_of<&Slice::due, &Slice::good, &Slice::failed, &Slice::stood_in>(
      picture, {{"due", "#888", {}},
                {"good", "#2e8540", {}},
                {"failed", "#c0392b", {}},
                {"of the good: stood in", "#7b3fa0", {}}});
  if (std::ranges::none_of(all.back().values, [](double value) { return value > 0; })) all.pop_back();
  return all;
}

std::vector<Series> times_of(const LoadPicture& picture) {
  using Slice = LoadPicture::Slice;
  return series_of<&Slice::p50_ms, &Slice::p99_ms>(picture, {{"p50", "#1f5fa8", {}}, {"p99", "#d9730d", {}}});
}

constexpr std::array<LoadPlot, 2> load_plots{{{"Calls a second, by when they were due", "/s", &calls_of},
                                              {"Time of good calls, from when they were due", "ms", &times_of}}};

double highest_of(const LoadPlot& plot, const LoadPicture& picture) {
  double most = 0;
  for (const auto& series : plot.series(picture))
    for (const double value : series.values)
      if (value > most) most = value;  // never true of NaN
  return most;
}

std::string draw_plot(const LoadPlot& plot, const LoadPicture& picture, double most) {
  const auto all = plot.series(picture);
  std::string out = fmt::format("<h2>{}</h2><p>", plot.title);
  for (const auto& series : all)
    out += fmt::format(R"(<span style="color:{}">&#9644;</span> {} &nbsp; )", series.colour, series.name);
  out +=
      fmt::format(R"(</p><svg viewBox="0 0 {} {}" role="img">)", width, height) + axes(most, plot.unit, picture.length);
  for (const auto& series : all) out += path(series, most);
  return out + marks_of(picture) + "</svg>\n";
}

/// One load. The scales are those of all: what looks higher is higher.
std::string load_column(const LoadPicture& picture, const std::vector<LoadPicture>& all) {
  std::string out =
      fmt::format("<section><h1>{}</h1>\n", html_text(picture.title.empty() ? "weir load" : picture.title));
  for (const auto& plot : load_plots) {
    double most = 0;
    for (const auto& each : all) most = std::max(most, highest_of(plot, each));
    out += draw_plot(plot, picture, round_up(most));
  }
  return out + fmt::format("<pre>{}</pre></section>\n", html_text(picture.table));
}

}  // namespace

std::string load_html(const std::vector<LoadPicture>& pictures) {
  std::string columns;
  for (const auto& picture : pictures) columns += load_column(picture, pictures);
  return fmt::format(R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>weir load</title>
<style>body{{font:15px/1.5 sans-serif;max-width:{}px;margin:2em auto;padding:0 1em;color:#222;
display:flex;flex-wrap:wrap;gap:2em}} section{{flex:1 1 420px;min-width:0}}
pre{{background:#f6f6f6;padding:1em;font-size:12px;white-space:pre-wrap}} svg{{width:100%}}
text{{font-size:11px;fill:#555;paint-order:stroke;stroke:#fff;stroke-width:3px}}
h1{{font-size:1.3em}} h2{{font-size:1.05em;margin-bottom:0}} p{{margin:.3em 0}}</style></head>
<body>{}</body></html>
)",
                     pictures.size() > 1 ? 1500 : 860, columns);
}

}  // namespace weir::app
