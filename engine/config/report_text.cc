// The report as a page of at most 100 columns.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "config/memory.h"
#include "config/problem.h"
#include "config/report.h"
#include "config/units_parse.h"

namespace weir::config {
namespace {

constexpr std::size_t width = 100;
constexpr std::string_view bold = "\x1b[1m", dim = "\x1b[2m", yellow = "\x1b[33m", plain = "\x1b[0m";

std::string clip(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

std::string plural(std::size_t n, std::string_view what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

using Row = std::vector<std::string>;

class Page {
 public:
  explicit Page(bool color) : color_(color) {}
  std::string take() { return std::move(out_); }

  void line(std::string_view text = {}) { out_.append(text).append("\n"); }
  void heading(std::string_view title, std::string_view note = {}) {
    line();
    out_ += paint(bold, title);
    if (!note.empty()) out_ += "  " + paint(dim, note);
    line();
  }
  std::string paint(std::string_view with, std::string_view text) const {
    return color_ ? fmt::format("{}{}{}", with, text, plain) : std::string(text);
  }

  /// Columns as wide as their longest cell, but at most 70 together; the last takes what is left of the line and wraps.
  void table(const Row& head, const std::vector<Row>& rows) {
    std::vector<std::size_t> widths(head.size() - 1, 0);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = head[i].size();
      for (const Row& row : rows) widths[i] = std::max(widths[i], row[i].size());
    }
    while (std::accumulate(widths.begin(), widths.end(), 2 * widths.size()) > 70) --*std::ranges::max_element(widths);
    const auto start = [&](const Row& row) {
      std::string text = "  ";
      for (std::size_t i = 0; i < widths.size(); ++i)
        text += fmt::format("{:<{}}  ", clip(row[i], widths[i]), widths[i]);
      return text;
    };
    line(paint(dim, start(head) + head.back()));
    for (const Row& row : rows) wrapped(start(row), row.back());
  }

  /// `text` behind `start`, broken at spaces, its further lines below its first.
  void wrapped(const std::string& start, std::string_view text) {
    const std::size_t room = width - std::min(start.size(), width - 20);
    std::string prefix = start;
    do {
      std::size_t cut = text.size();
      if (cut > room) {
        cut = text.rfind(' ', room);
        // A number stays with its unit.
        while (cut != std::string_view::npos && cut > 0 && text[cut - 1] >= '0' && text[cut - 1] <= '9')
          cut = text.rfind(' ', cut - 1);
        if (cut == std::string_view::npos || cut == 0) cut = room;
      }
      std::string out = prefix + std::string(text.substr(0, cut));
      out.erase(out.find_last_not_of(' ') + 1);
      line(out);
      text.remove_prefix(std::min(text.size(), cut + (cut < text.size() && text[cut] == ' ' ? 1 : 0)));
      prefix.assign(start.size(), ' ');
    } while (!text.empty());
  }

 private:
  bool color_;
  std::string out_;
};

void write_head(Page& page, const Report& report) {
  const std::string requests = report.gateways ? fmt::format("{}, {}, ", plural(report.gateways, "gateway"),
                                                             plural(report.upstreams, "upstream"))
                                               : std::string();
  page.wrapped(
      "", fmt::format("{}: {}{}, {}, {}, {} on {}", join(report.files), requests, plural(report.sources, "source"),
                      plural(report.stages, "stage"), plural(report.journals, "journal"), plural(report.sinks, "sink"),
                      plural(static_cast<std::size_t>(report.reactors), "reactor")));
}

void write_pairs(Page& page, const Report& report) {
  if (report.pairs.empty()) return;
  page.heading("Promises", "what an answer means, and what each path can carry");
  std::vector<Row> rows;
  for (const Report::Pair& pair : report.pairs)
    rows.push_back({pair.source, pair.sink, std::string(name(pair.asks)),
                    pair.required ? std::string(name(pair.carries)) : "- (optional)", pair.limit});
  page.table({"SOURCE", "SINK", "ACKS", "PATH CARRIES", "BECAUSE"}, rows);
}

void write_edges(Page& page, const Report& report) {
  if (report.edges.empty()) return;
  page.heading("Queues", "the only places where work waits");
  std::vector<Row> rows;
  for (const Report::Edge& edge : report.edges)
    rows.push_back({edge.sink, fmt::format("{} events, {}", edge.config.bound.events, human(edge.config.bound.bytes)),
                    std::string(name(edge.config.when_full)), edge.worst_wait, join(edge.from, ", ")});
  page.table({"SINK", "BOUND", "WHEN FULL", "WORST WAIT", "FROM"}, rows);
}

void write_routes(Page& page, const Report& report) {
  if (report.routes.empty()) return;
  page.heading("Routes", "the first that matches is taken");
  std::vector<Row> rows;
  for (const Report::Route& route : report.routes)
    rows.push_back({route.gateway, route.match, route.to, human(route.deadline)});
  page.table({"GATEWAY", "REQUESTS", "UPSTREAM", "DEADLINE"}, rows);
}

void write_answers(Page& page, const Report& report) {
  page.heading("When I cannot keep up");
  for (const Report::Answer& answer : report.answers) {
    page.line("  " + answer.location);
    page.wrapped("    ", answer.sentence);
  }
}

void write_guards(Page& page, const Report& report) {
  if (report.guards.empty()) return;
  page.heading("Guards", "what may start, asked in this order");
  std::string location;
  for (const Report::Guard& guard : report.guards) {
    if (guard.location != location) page.line(fmt::format("  {}: {}", guard.location, guard.order));
    location = guard.location;
    page.wrapped("    ", guard.sentence);
  }
}

std::string sum_of(const Footprint& footprint) {
  if (footprint.max_units == 0) return {};
  const std::string units = fmt::format("{} x {}", footprint.max_units, human(footprint.per_unit));
  return footprint.fixed == Bytes(0) ? units : fmt::format("{} + {}", human(footprint.fixed), units);
}

void write_memory(Page& page, const Report& report) {
  const MemoryTable& table = report.memory;
  page.heading("Memory", table.automatic ? "auto: 60 % of this machine or cgroup" : "as configured");
  const auto row = [&](const std::string& part, const std::string& sum, Bytes size, std::string_view mark) {
    page.wrapped("", fmt::format("  {:<48}  {:<24}  {:>10}{}", clip(part, 48), clip(sum, 24), human(size), mark));
  };
  bool soft = false;
  for (const MemoryRow& part : table.rows) {
    row(part.part, sum_of(part.footprint), saturating_total(part.footprint), part.footprint.soft ? "  soft" : "");
    soft = soft || part.footprint.soft;
  }
  page.line("  " + std::string(86, '-'));
  row("declared by parts", "", table.footprints, "");
  row("budget: what sources may fill", "", table.budget, "");
  page.line(page.paint(bold, fmt::format("  {:<48}  {:<24}  {:>10}", "memory", "", human(table.memory))));
  if (soft) page.wrapped("  ", "soft: a measured ceiling that the library behind it does not enforce");
  if (table.shrunk.empty()) return;
  page.line();
  page.wrapped("  ", "Not written, and made smaller to leave the sources room in this memory:");
  for (const ShrunkDefault& value : table.shrunk)
    page.wrapped("    ", fmt::format("{:<46}  {} (usually {})", value.path, value.now, value.usual));
}

void write_remarks(Page& page, const Report& report) {
  if (!report.couplings.empty()) page.heading("Coupled sinks");
  for (const std::string& coupling : report.couplings) page.wrapped("  ", coupling);
  page.heading("Advice", report.advice.empty() ? "none" : "");
  std::string location;
  for (const Report::Advice& advice : report.advice) {
    if (advice.location != location)
      page.wrapped("  ", page.paint(yellow, advice.location) + "  " + page.paint(dim, to_text(advice.at)));
    location = advice.location;
    page.wrapped("    ", advice.what);
  }
}

}  // namespace

std::string to_text(const Report& report, bool color) {
  Page page(color);
  write_head(page, report);
  write_pairs(page, report);
  write_edges(page, report);
  write_routes(page, report);
  write_guards(page, report);
  write_answers(page, report);
  write_memory(page, report);
  write_remarks(page, report);
  return page.take();
}

}  // namespace weir::config
