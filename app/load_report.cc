#include "load_report.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <array>

#include "config/units_parse.h"

namespace weir::app {
namespace {

using config::human;
using config::human_percent;
using Counts = std::map<std::string, std::uint64_t>;

constexpr std::array<std::pair<const char*, double>, 4> quantiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}}};

std::string times_text(const Histogram& times) {
  if (times.count() == 0) return "no call was good";
  std::string text;
  for (const auto& [name, q] : quantiles) text += fmt::format("{} {}   ", name, human(times.quantile(q)));
  return text + "max " + human(times.max());
}

std::string counts_text(const Counts& counts) {
  std::vector<std::pair<std::uint64_t, std::string>> rows;
  for (const auto& [what, n] : counts) rows.emplace_back(n, what);
  std::ranges::sort(rows, std::greater());
  std::string text;
  for (const auto& [n, what] : rows) text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", terminal_text(what), n);
  return text;
}

std::string schedule_text(const load::Tally& tally) {
  const auto& lags = tally.lags();
  if (tally.kept_schedule())
    return fmt::format("kept: sent at most {} late, p99 {}", human(lags.max()), human(lags.quantile(0.99)));
  std::string text = "NOT KEPT: this is not the load that was asked for";
  if (tally.late() > 0)
    text += fmt::format("; {} of the attempts were sent over {} late (p99 {}): this machine is the limit",
                        human_percent(tally.late()), human(load::Tally::late_above), human(lags.quantile(0.99)));
  if (tally.not_sent()) text += fmt::format("; {} not sent: all --connections were taken", tally.not_sent());
  return text;
}

std::string line(std::string_view what, std::string_view text) { return fmt::format("{:<13}{}\n", what, text); }

std::string times_json(const Histogram& times) {
  std::string text = "{";
  for (const auto& [name, q] : quantiles)
    text += fmt::format(R"("{}_ms":{:.3f},)", name, 1e3 * seconds(times.quantile(q)));
  return text +
         fmt::format(R"("max_ms":{:.3f},"mean_ms":{:.3f}}})", 1e3 * seconds(times.max()), 1e3 * seconds(times.mean()));
}

std::string group_json(const load::Tally::Group& group) {
  return fmt::format(R"({{"calls":{},"good":{},"times":{}}})", group.calls, group.good, times_json(group.times));
}

std::string counts_json(const Counts& counts) {
  std::string text;
  for (const auto& [what, n] : counts) text += fmt::format("{}{}:{}", text.empty() ? "" : ",", json_text(what), n);
  return "{" + text + "}";
}

std::string marks_json(const std::vector<LoadMark>& marks) {
  std::string text;
  for (const auto& mark : marks)
    text += fmt::format(R"({}{{"at_s":{:.3f},"text":{}}})", text.empty() ? "" : ",", seconds(mark.at),
                        json_text(mark.text));
  return "[" + text + "]";
}

std::string slices_json(const load::Tally& tally) {
  std::string text;
  for (const auto& slice : tally.slices())
    text += fmt::format(R"({}{{"due":{},"good":{},"stood_in":{},"failed":{},"p50_ms":{:.3f},"p99_ms":{:.3f}}})",
                        text.empty() ? "" : ",", slice.due, slice.good, slice.stood_in, slice.failed,
                        1e3 * seconds(slice.times.quantile(0.5)), 1e3 * seconds(slice.times.quantile(0.99)));
  return "[" + text + "]";
}

}  // namespace

bool holds(const LoadResult& r) {
  return r.plan.assertions.empty() || (!r.interrupted && std::ranges::all_of(r.plan.assertions, [&](const auto& a) {
           return a.judge(r.tally).holds;
         }));
}

std::string load_table(const LoadResult& r) {
  const auto& all = r.tally.all();
  std::string text = terminal_text(r.plan.what) + "\n\n";
  if (r.interrupted) text += line("interrupted", "after " + human(r.tally.length()));
  text += line("calls", fmt::format("{}: {} good ({}), {} failed", all.calls, all.good,
                                    human_percent(r.tally.success()), all.failed()));
  text += line("goodput", fmt::format("{:.1f}/s", r.tally.goodput()));
  text += line("time", times_text(all.times));
  if (r.tally.stood_in() > 0)
    text += line("stood in", fmt::format("a cache or a degraded answer for {} of the good calls", r.tally.stood_in()));
  text += line("attempts", fmt::format("{}: {}", r.tally.attempts(), counts_text(r.tally.by_end())));
  if (!r.tally.by_reason().empty()) text += line("reasons", counts_text(r.tally.by_reason()));
  if (r.cut_off) text += line("cut off", fmt::format("{} clients would have come back after the end", r.cut_off));
  if (r.tally.by_label().size() > 1)
    for (const auto& [label, group] : r.tally.by_label())
      text += line("", fmt::format("{}: {} calls, {} good   {}", terminal_text(label), group.calls, group.good,
                                   times_text(group.times)));
  text += line("schedule", schedule_text(r.tally));
  for (const auto& assertion : r.plan.assertions) {
    const auto verdict = assertion.judge(r.tally);
    text += line(verdict.holds ? "holds" : "DOES NOT HOLD",
                 fmt::format(" {}   ({})", terminal_text(assertion.text()), verdict.measured));
  }
  return text;
}

std::string load_json(const LoadResult& r) {
  std::string labels, assertions;
  for (const auto& [label, group] : r.tally.by_label())
    labels += fmt::format("{}{}:{}", labels.empty() ? "" : ",", json_text(label), group_json(group));
  for (const auto& a : r.plan.assertions) {
    const auto verdict = a.judge(r.tally);
    assertions += fmt::format(R"({}{{"assert":{},"holds":{},"measured":{}}})", assertions.empty() ? "" : ",",
                              json_text(a.text()), verdict.holds, json_text(verdict.measured));
  }
  const auto& t = r.tally;
  return fmt::format(
      R"({{"load":{},"title":{},"table":{},"marks":{},"seconds":{:.6f},"interrupted":{},"holds":{},"calls":{},"good":{},"stood_in":{},"failed":{},"goodput":{:.3f},)"
      R"("success":{:.6f},"times":{},"attempts":{},"by_end":{},"by_reason":{},"by_label":{{{}}},"cut_off":{},)"
      R"("connections_opened":{},"kept_schedule":{},"late":{:.6f},"not_sent":{},"lateness":{},"assertions":[{}],)"
      R"("slice_ms":{:.3f},"slices":{}}})"
      "\n",
      json_text(r.plan.what), json_text(r.plan.title), json_text(load_table(r)), marks_json(r.plan.marks),
      seconds(t.length()), r.interrupted, holds(r), t.all().calls, t.all().good, t.stood_in(), t.all().failed(),
      t.goodput(), t.success(), times_json(t.all().times), t.attempts(), counts_json(t.by_end()),
      counts_json(t.by_reason()), labels, r.cut_off, r.opened, t.kept_schedule(), t.late(), t.not_sent(),
      times_json(t.lags()), assertions, 1e3 * seconds(t.slice()), slices_json(t));
}

std::string load_progress(const load::Tally& tally, Duration passed, std::size_t under_way) {
  const auto& all = tally.all();
  return fmt::format("{:.0f} s of {}: {} good, {} failed, p99 {}, {} under way{}", seconds(passed),
                     human(tally.length()), all.good, all.failed(), human(all.times.quantile(0.99)), under_way,
                     tally.kept_schedule() ? "" : ", BEHIND SCHEDULE");
}

}  // namespace weir::app
