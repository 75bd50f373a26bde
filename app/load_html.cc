#include "load_html.h"

#include <algorithm>

#include "html_plot.h"

namespace weir::app {
namespace {

using Slice = LoadPicture::Slice;

template <double Slice::* value>
std::vector<double> values_of(const LoadPicture& picture) {
  std::vector<double> all;
  for (const auto& slice : picture.slices) all.push_back(slice.*value);
  return all;
}

std::vector<PlotSeries> calls_of(const LoadPicture& picture) {
  std::vector<PlotSeries> all{{"due", "#888", values_of<&Slice::due>(picture)},
                              {"good", "#2e8540", values_of<&Slice::good>(picture)},
                              {"failed", "#c0392b", values_of<&Slice::failed>(picture)}};
  PlotSeries stood_in{"of the good: stood in", "#7b3fa0", values_of<&Slice::stood_in>(picture)};
  if (std::ranges::any_of(stood_in.values, [](double value) { return value > 0; })) all.push_back(std::move(stood_in));
  return all;
}

HtmlColumn column_of(const LoadPicture& picture) {
  HtmlColumn column{.title = picture.title.empty() ? "weir load" : picture.title, .text = picture.table};
  std::vector<PlotMark> marks;
  for (const auto& mark : picture.marks) marks.push_back({mark.at, mark.text});
  column.plots = {{.title = "Calls a second, by when they were due",
                   .unit = "/s",
                   .series = calls_of(picture),
                   .length = picture.length,
                   .marks = marks},
                  {.title = "Time of good calls, from when they were due",
                   .unit = "ms",
                   .series = {{"p50", "#1f5fa8", values_of<&Slice::p50_ms>(picture)},
                              {"p99", "#d9730d", values_of<&Slice::p99_ms>(picture)}},
                   .length = picture.length,
                   .marks = marks}};
  return column;
}

}  // namespace

std::string load_html(const std::vector<LoadPicture>& pictures) {
  std::vector<HtmlColumn> columns;
  for (const auto& picture : pictures) columns.push_back(column_of(picture));
  return html_page("weir load", std::move(columns));
}

}  // namespace weir::app
