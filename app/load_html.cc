#include "load_html.h"

#include <cmath>

#include "html_plot.h"

namespace weir::app {
namespace {

std::string plots(const load::Tally& tally) {
  PlotSeries due{"due", "#888", {}}, good{"good", "#2e8540", {}}, failed{"failed", "#c0392b", {}};
  PlotSeries p50{"p50", "#1f5fa8", {}}, p99{"p99", "#d9730d", {}};
  const double slice = seconds(tally.slice());
  for (const auto& s : tally.slices()) {
    due.values.push_back(static_cast<double>(s.due) / slice);
    good.values.push_back(static_cast<double>(s.good) / slice);
    failed.values.push_back(static_cast<double>(s.failed) / slice);
    const bool none = s.times.count() == 0;
    p50.values.push_back(none ? std::nan("") : 1e3 * seconds(s.times.quantile(0.5)));
    p99.values.push_back(none ? std::nan("") : 1e3 * seconds(s.times.quantile(0.99)));
  }
  const Duration length = tally.slice() * static_cast<int>(tally.slices().size());
  return html_plot("Calls a second, by when they were due", "/s", {due, good, failed}, length) +
         html_plot("Time of good calls, from when they were due", "ms", {p50, p99}, length);
}

}  // namespace

std::string load_html(const LoadResult& result) {
  return html_page("weir load", load_table(result), plots(result.tally));
}

}  // namespace weir::app
