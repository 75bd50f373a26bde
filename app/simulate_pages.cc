// What came of a simulation, for programs and for browsers.
#include <fmt/format.h>
#include <weir/base/json_text.h>

#include "html_plot.h"
#include "simulate_report.h"

namespace weir::app {
namespace {

using pipeline::Simulated;
using pipeline::TimeLine;

double simulated_ms(Duration time) { return 1e3 * seconds(time); }

std::string json_of_source(const Simulated::Source& s) {
  std::string ended;
  for (const auto& [how, n] : s.ended) ended += fmt::format("{}{}:{}", ended.empty() ? "" : ",", json_text(how), n);
  return fmt::format(
      R"({}:{{"arrived":{},"settled":{},"ended":{{{}}},"p50_ms":{:.3f},"p99_ms":{:.3f},"p999_ms":{:.3f},)"
      R"("max_ms":{:.3f},"mean_ms":{:.3f},"most_held":{},"longest_held_ms":{:.3f},"inside_s":{:.6f},"times_s":{:.6f}}})",
      json_text(s.name), s.arrived, s.settled, ended, simulated_ms(s.times.quantile(0.5)),
      simulated_ms(s.times.quantile(0.99)), simulated_ms(s.times.quantile(0.999)), simulated_ms(s.times.max()),
      simulated_ms(s.times.mean()), s.most_held, simulated_ms(s.longest_held), s.inside, s.time_sum + s.time_unsettled);
}

std::string json_of_sink(const Simulated::Sink& s) {
  return fmt::format(
      R"({}:{{"delivered":{},"deliveries":{},"failed":{},"breaker_opened":{},"most_waiting":{},"busy_s":{:.6f},"workers":{}}})",
      json_text(s.name), s.delivered, s.deliveries, s.failed, s.breaker_opened, s.most_waiting, seconds(s.busy),
      s.workers);
}

template <typename Parts>
std::string json_of_all(const Parts& parts, std::string (*text)(const typename Parts::value_type&)) {
  std::string all;
  for (const auto& part : parts) all += (all.empty() ? "" : ",") + text(part);
  return all;
}

constexpr const char* plot_colours[] = {"#1f5fa8", "#d9730d", "#2e8540", "#c0392b", "#7d3c98", "#888"};
const char* colour(std::size_t i) { return plot_colours[i % std::size(plot_colours)]; }

std::string plots_of_source(const TimeLine::Source& s, Duration length) {
  std::vector<double> p50 = s.p50, p99 = s.p99;
  for (auto* values : {&p50, &p99})
    for (double& value : *values) value *= 1e3;
  return html_plot(s.name + ": events a second", "/s",
                   {{"arrived", "#888", s.arrived}, {"stored", "#2e8540", s.stored}, {"lost", "#c0392b", s.lost}},
                   length) +
         html_plot(s.name + ": how long the stored ones took, by when they were", "ms",
                   {{"p50", "#1f5fa8", p50}, {"p99", "#d9730d", p99}}, length);
}

std::string plots_of(const SimulatedRun& run) {
  const TimeLine& line = run.result.line;
  if (line.slices() == 0) return {};
  const Duration length = line.slice * static_cast<int>(line.slices());
  std::string out;
  for (const auto& source : line.sources) out += plots_of_source(source, length);
  std::vector<PlotSeries> depth, breakers, losses;
  for (const auto& s : line.sources)
    depth.push_back({s.name + ": inside, read or not", colour(depth.size()), s.inside});
  for (const auto& s : line.sinks) {
    depth.push_back({s.name + ": waits", colour(depth.size()), s.waiting});
    breakers.push_back({s.name, colour(breakers.size()), s.breaker});
  }
  for (const auto& [how, values] : line.losses) {
    losses.push_back({how, colour(losses.size()), values});
    losses.back().values.resize(line.slices());
  }
  out += html_plot("Events inside", "", depth, length);
  if (!losses.empty()) out += html_plot("Lost or refused, by reason", "/s", losses, length);
  return out + html_plot("Breakers: 1 is open", "", breakers, length);
}

}  // namespace

std::string simulate_json(const SimulatedRun& run) {
  const Simulated& r = run.result;
  std::string text = "{";
  if (!run.label.empty()) text += fmt::format(R"("set":{},)", json_text(run.label));
  if (!run.scenario.name.empty()) text += fmt::format(R"("scenario":{},)", json_text(run.scenario.name));
  text += fmt::format(R"("seed":{},"seconds":{:.6f},"lasted":{:.6f},"unsettled":{},)", run.scenario.seed,
                      seconds(r.length), seconds(r.lasted), r.unsettled);
  if (r.recovered) text += fmt::format(R"("recovered_s":{:.6f},)", seconds(*r.recovered));
  const auto& worst = r.line.worst;
  text += fmt::format(R"("worst":{{"at_s":{:.6f},"inside":{:.0f},"why":{}}},)", seconds(worst.at), worst.inside,
                      json_text(worst.why));
  return text + fmt::format("\"sources\":{{{}}},\"sinks\":{{{}}}}}\n", json_of_all(r.sources, json_of_source),
                            json_of_all(r.sinks, json_of_sink));
}

std::string simulate_json(const std::vector<SimulatedRun>& runs) {
  std::string text = "[";
  for (const auto& run : runs) text += (text.size() > 1 ? "," : "") + simulate_json(run);
  return text + "]\n";
}

std::string simulate_html(const std::vector<SimulatedRun>& runs, const std::string& text) {
  std::string plots;
  for (const auto& run : runs) {
    if (runs.size() > 1) plots += "<h1>" + html_text(run.label.empty() ? "as it is" : run.label) + "</h1>";
    plots += plots_of(run);
  }
  return html_page("weir simulate", text, plots);
}

}  // namespace weir::app
