// weir load: an open load against a server, and what came of it.
#include <fmt/format.h>
#include <unistd.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "commands.h"
#include "descriptors.h"
#include "exit_codes.h"
#include "interruption.h"
#include "load/open_load.h"
#include "load_file.h"
#include "load_html.h"
#include "load_picture.h"
#include "load_report.h"
#include "report_file.h"

namespace weir::app {
namespace {

constexpr std::uint64_t kept_descriptors = 32;  // for files, and what the process has open anyway

int complain_of(int code, std::string_view what) {
  fmt::print(stderr, "weir: {}\n", terminal_text(what));
  return code;
}

/// Says once a second how it goes, on a terminal.
class Progress {
 public:
  explicit Progress(bool wanted) : wanted_(wanted && ::isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(const load::Tally& tally, const load::Schedule& schedule, TimePoint now) {
    if (!wanted_ || now < next_) return;
    next_ = now + std::chrono::seconds(1);
    shown_ = true;
    fmt::print(stderr, "\r\033[K{}",
               load_progress(tally, std::max(Duration{0}, now - schedule.began()), schedule.under_way()));
    std::fflush(stderr);
  }

 private:
  const bool wanted_;
  bool shown_ = false;
  TimePoint next_{};
};

/// Nothing: it was said why, and `code` is what to exit with.
std::optional<LoadPlan> understand(const LoadOptions& options, int& code) {
  if (is_load_file(options.target)) {
    std::vector<config::Problem> problems;
    auto plan = plan_load_file(options, config::system_load_options(), problems);
    for (const auto& problem : problems) fmt::print(stderr, "{}\n", problem.text());
    code = bad_configuration;
    return plan;
  }
  auto plan = plan_load(options);
  if (plan) return std::move(*plan);
  code = complain_of(bad_usage, plan.error().message);
  return std::nullopt;
}

int finish(const LoadResult& result, const ReportFile& json, const ReportFile& html,
           std::vector<LoadPicture> pictures) {
  if (!json.on_stdout() && !html.on_stdout() && print(load_table(result)) != ok) return failed;
  const std::string told = load_json(result);
  if (auto picture = read_picture(told)) pictures.push_back(std::move(*picture));
  for (const auto& [file, text] : {std::pair(&json, told), {&html, load_html(pictures)}})
    if (file->is_wanted() && !file->write(text))
      return complain_of(failed, fmt::format("{} could not be written completely: is the disk full?", file->path()));
  const auto& ends = result.tally.by_end();
  const auto unanswered = ends.find("unreachable");
  if (unanswered != ends.end() && unanswered->second == result.tally.attempts())
    return complain_of(failed, fmt::format("nobody answered at {}", fmt::join(result.plan.addresses, ", ")));
  return holds(result) ? ok : failed;
}

}  // namespace

int load(const LoadOptions& options) {
  int code = ok;
  const auto plan = understand(options, code);
  if (!plan) return code;
  std::vector<LoadPicture> pictures;
  if (!options.compare.empty()) {
    if (options.html.empty()) return complain_of(bad_usage, "--compare shows both on one page: write --html FILE too");
    auto other = read_picture_file(options.compare);
    if (!other) return complain_of(bad_configuration, "--compare: " + other.error().message);
    pictures.push_back(std::move(*other));
  }
  const ReportFile json(options.json, "json"), html(options.html, "html");
  for (const auto* file : {&json, &html})
    if (const auto trouble = file->trouble(); !trouble.empty()) return complain_of(failed, trouble);
  if (raise_descriptor_limit() < options.connections + kept_descriptors)
    return complain_of(
        failed, fmt::format("--connections {}: more than this process may have open (ulimit -n)", options.connections));
  watch_for_interruption();
  const Context context;
  load::Schedule schedule(plan->streams, plan->length, options.count, options.seed);
  load::Tally tally(plan->length);
  load::OpenLoad open(
      schedule, plan->targets, options.connections, context,
      [&](const load::Attempt& attempt, const load::Variant& variant, const load::Outcome& outcome, bool over,
          TimePoint now) { tally.record(attempt, outcome, over, variant.label, schedule.began(), now); });
  TimePoint stopped{};
  {
    Progress progress(!options.quiet);
    open.run([&](TimePoint now) {
      progress.show(tally, schedule, now);
      if (interrupted()) stopped = now;
      return !interrupted();
    });
  }
  const bool cut_short = stopped != TimePoint{} && stopped < schedule.began() + schedule.length();
  if (cut_short) tally.cut(std::max(Duration{0}, stopped - schedule.began()));
  return finish({*plan, tally, open.opened(), schedule.cut_off(), cut_short}, json, html, std::move(pictures));
}

}  // namespace weir::app
