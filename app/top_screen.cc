#include "top_screen.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <algorithm>
#include <array>
#include <utility>

#include "top_line.h"
#include "top_numbers.h"

namespace weir::app {
namespace {

using Tone = Line::Tone;

Tone tone_of(double fill) { return fill >= 0.8 ? Tone::bad : fill >= 0.5 ? Tone::warn : Tone::good; }

class Screen {
 public:
  Screen(const TopData& data, const TopView& view) : data_(data), view_(view) {}

  std::vector<std::string> draw() {
    head();
    if (view_.help)
      help();
    else if (view_.details)
      details();
    else
      tables();
    fit();
    return std::move(lines_);
  }

 private:
  Line line() const { return {view_.columns, view_.color}; }
  void add(const Line& line) { lines_.push_back(line.text()); }
  void blank() { lines_.emplace_back(); }

  void head() {
    Line top = line();
    top.add("weir ", Tone::strong).add(view_.admin).add(fmt::format("  up {}", short_time(data_.uptime)));
    if (data_.stopping) top.add("  stopping", Tone::warn);
    if (view_.paused) top.add("  paused: p goes on", Tone::warn);
    if (!view_.error.empty()) top.add("  " + view_.error, Tone::bad);
    add(top);
    const double fill = data_.budget > 0 ? data_.used / data_.budget : 0;
    Line memory = line();
    memory.add("memory ").bar(fill, 20, tone_of(fill));
    memory.add(fmt::format(" {} of {} budget", short_bytes(data_.used), short_bytes(data_.budget)));
    memory.add("   ledger ");
    if (data_.difference < 0)
      memory.add(fmt::format("{} is off by {:.0f}", data_.worst_at, data_.difference), Tone::bad);
    else
      memory.add("ok", Tone::good).add(fmt::format(", {} in transit", short_count(data_.in_transit)));
    add(memory);
    alerts();
    blank();
  }

  /// Warnings first; what finds no line is counted.
  void alerts() {
    constexpr std::size_t most = 3;
    std::vector<const TopAlert*> firing;
    for (const bool warns : {true, false})
      for (const TopAlert& a : data_.alerts)
        if (a.warns == warns) firing.push_back(&a);
    for (std::size_t i = 0; i < std::min(most, firing.size()); ++i) {
      const TopAlert& a = *firing[i];
      Line out = line();
      out.add("alert  ").add(a.rule, a.warns ? Tone::bad : Tone::warn);
      out.add(
          fmt::format(" {}{}{} for {}: {}", a.kind, a.node.empty() ? "" : " ", a.node, short_time(a.lasts), a.text));
      add(out);
    }
    if (firing.size() > most) add(line().add(fmt::format("       and {} more: /api/alerts", firing.size() - most)));
  }

  /// Starts a row of a table: the mark of the selection, and the name.
  Line row(const std::string& name) {
    Line out = line();
    const bool here = view_.interactive && row_++ == view_.selected;
    if (here) selected_line_ = lines_.size();
    out.add(here ? "> " : "  ", Tone::strong).left(name, name_width(), here ? Tone::strong : Tone::plain);
    return out;
  }
  bool narrow() const { return view_.columns < 100; }
  int bar_width() const { return narrow() ? 6 : 16; }
  int name_width() const {
    std::size_t most = 8;
    const auto look = [&](const auto& rows) {
      for (const auto& r : rows) most = std::max(most, r.name.size());
    };
    look(data_.sources), look(data_.stages), look(data_.sinks), look(data_.gateways), look(data_.upstreams);
    return static_cast<int>(std::min<std::size_t>(most, narrow() ? 18 : 24)) + 1;
  }

  void title(const std::string& name, const std::string& rest) {
    Line out = line();
    out.add("  ").left(name, name_width(), Tone::dim).add(rest, Tone::dim);
    add(out);
  }

  void tables() {
    const bool has_flow = data_.gateways.empty() || !data_.sources.empty() || !data_.sinks.empty();
    if (has_flow) flow_tables();
    if (has_flow && !data_.gateways.empty()) blank();
    if (!data_.gateways.empty()) request_tables();
    if (view_.interactive) why_of_selected();
  }

  void request_tables() {
    title("GATEWAY", fmt::format("{:>8}{:>9}{:>11}{:>11}  STATE", "IN/S", "REQUESTS", "REFUSED/S", "UNDER WAY"));
    for (const TopGateway& g : data_.gateways) add(gateway(g));
    blank();
    title("UPSTREAM", fmt::format("{:>8}{:>9}{:>11}{:>11}  STATE", "AT WORK", "AT MOST", "WAITING", "ENDPOINTS"));
    for (const TopUpstream& u : data_.upstreams) add(upstream(u));
  }

  Line gateway(const TopGateway& g) {
    Line out = row(g.name);
    out.right(short_count(g.rate), 8).right(short_count(g.in), 9);
    out.right(short_count(g.refused_rate), 11, g.refused_rate > 0 ? Tone::warn : Tone::plain);
    out.right(short_count(g.in_flight), 11).add("  ");
    if (!g.why.empty()) return out.add("refuses", Tone::warn).add(" <- " + g.why);
    return out.add(g.rate > 0 ? "passes on" : "idle", g.rate > 0 ? Tone::good : Tone::dim);
  }

  Line upstream(const TopUpstream& u) {
    Line out = row(u.name);
    out.right(short_count(u.in_flight), 8).right(short_count(u.limit), 9);
    out.right(short_count(u.waiting), 11, u.waiting > 0 ? Tone::warn : Tone::plain);
    out.right(fmt::format("{:.0f}/{:.0f}", u.endpoints - u.unwell, u.endpoints), 11,
              u.unwell > 0 ? Tone::warn : Tone::plain);
    out.add("  ");
    if (u.breaker != "closed") return out.add("breaker " + u.breaker, Tone::bad).add(" <- " + u.why);
    if (!u.why.empty()) return out.add("held up", Tone::warn).add(" <- " + u.why);
    return out.add(u.in_flight > 0 ? "answers" : "idle", u.in_flight > 0 ? Tone::good : Tone::dim);
  }

  void flow_tables() {
    title("SOURCE", fmt::format("{:>8}{:>9}{:>11}  STATE", "IN/S", "EVENTS", "REFUSED/S"));
    for (const TopSource& s : data_.sources) add(source(s));
    if (!data_.stages.empty()) {
      blank();
      title("STAGE", fmt::format("{:>8}{:>9}{:>11}{:>11}", "IN/S", "OUT/S", "FILTERED/S", "DROPPED/S"));
      for (const TopStage& s : data_.stages) add(stage(s));
    }
    blank();
    title("SINK", fmt::format("{:>8}{:>9}  {:<{}}{:>8}{:>6}  STATE", "OUT/S", "WAITING", "QUEUE", bar_width() + 5,
                              "OLDEST", "BUSY"));
    for (const TopSink& s : data_.sinks) add(sink(s));
  }

  Line source(const TopSource& s) {
    Line out = row(s.name);
    out.right(short_count(s.rate), 8).right(short_count(s.in), 9);
    out.right(short_count(s.refused_rate), 11, s.refused_rate > 0 ? Tone::warn : Tone::plain).add("  ");
    if (s.paused)
      out.add("paused", Tone::bad).add(s.why.empty() ? "" : " <- " + s.why);
    else if (!s.why.empty())
      out.add("held up", Tone::warn).add(" <- " + s.why);
    else
      out.add(s.rate > 0 ? "reads" : "idle", s.rate > 0 ? Tone::good : Tone::dim);
    return out;
  }

  Line stage(const TopStage& s) {
    Line out = row(s.name);
    out.right(short_count(s.rate_in), 8).right(short_count(s.rate_out), 9).right(short_count(s.filtered_rate), 11);
    out.right(short_count(s.dropped_rate), 11, s.dropped_rate > 0 ? Tone::warn : Tone::plain);
    return out;
  }

  Line sink(const TopSink& s) {
    Line out = row(s.name);
    out.right(short_count(s.rate), 8).right(short_count(s.waiting), 9).add("  ");
    out.bar(s.fill, bar_width(), tone_of(s.fill)).add(fmt::format("{:>4.0f}%", s.fill * 100));
    out.right(s.waiting > 0 ? short_time(s.oldest) : "-", 8)
        .right(fmt::format("{:.0f}%", s.busy_share * 100), 6)
        .add("  ");
    state_of(s, out);
    return out;
  }

  static void state_of(const TopSink& s, Line& out) {
    if (s.breaker == "open")
      out.add("breaker open", Tone::bad).add(fmt::format(", probe in {}", short_time(s.blocked_for)));
    else if (s.breaker == "half_open")
      out.add("probing", Tone::warn);
    else if (s.blocked_for > 0)
      out.add("waits", Tone::warn).add(fmt::format(", again in {}", short_time(s.blocked_for)));
    else if (!s.held_up_by.empty())
      out.add("held up", Tone::warn).add(": " + s.held_up_by);
    else
      out.add(s.rate > 0 ? "delivers" : s.waiting > 0 ? "delivering" : "idle", s.rate > 0 ? Tone::good : Tone::dim);
    if (!s.required) out.add(", optional", Tone::dim);
    if (s.retries > 0) out.add(fmt::format(", {} retries", short_count(s.retries)));
    if (s.dropped > 0) out.add(fmt::format(", {} dropped", short_count(s.dropped)), Tone::warn);
    const bool failing = s.breaker != "closed" || s.blocked_for > 0;
    if (failing && !s.last_error.empty()) out.add(" <- " + s.last_error);
  }

  void why_of_selected() {
    const auto [name, why] = selected();
    if (name.empty() || why.empty()) return;
    blank();
    std::string_view rest = why;
    const auto first = wrapped(why, view_.columns - Line::length(name) - 2);
    add(line().add(name + ": ", Tone::strong).add(first.front()));
    rest.remove_prefix(first.front().size());
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    for (const std::string& part : wrapped(rest, view_.columns - 2)) add(line().add("  ").add(part));
  }

  /// Name and cause of the selected row.
  std::pair<std::string, std::string> selected() const {
    auto at = static_cast<std::size_t>(std::max(0, view_.selected));
    if (at < data_.sources.size()) return {data_.sources[at].name, data_.sources[at].why};
    at -= data_.sources.size();
    if (at < data_.stages.size()) return {data_.stages[at].name, ""};
    at -= data_.stages.size();
    if (at < data_.sinks.size()) return {data_.sinks[at].name, data_.sinks[at].why};
    at -= data_.sinks.size();
    if (at < data_.gateways.size()) return {data_.gateways[at].name, data_.gateways[at].why};
    at -= data_.gateways.size();
    if (at < data_.upstreams.size()) return {data_.upstreams[at].name, data_.upstreams[at].why};
    return {};
  }

  void fact(const std::string& name, const std::string& value) {
    std::string label = "  " + name;
    for (const std::string& part : wrapped(value, view_.columns - 18))
      add(line().left(std::exchange(label, ""), 18, Tone::dim).add(part));
  }

  void chain(const std::string& why) {
    if (why.empty()) return fact("why", "nothing holds it up");
    std::string indent;
    for (std::size_t at = 0; at != std::string::npos; indent += "  ") {
      const auto end = why.find(" <- ", at);
      std::string label = indent.empty() ? "  why" : "", mark = indent.empty() ? "" : "<- ";
      const int width = view_.columns - 18 - static_cast<int>(indent.size() + mark.size());
      for (const std::string& part : wrapped(std::string_view(why).substr(at, end - at), width)) {
        add(line().left(label, 18, Tone::dim).add(indent + mark).add(part));
        label.clear();
        mark.assign(mark.size(), ' ');
      }
      at = end == std::string::npos ? end : end + 4;
    }
  }

  void details() {
    auto at = static_cast<std::size_t>(std::max(0, view_.selected));
    if (at < data_.sources.size()) return details(data_.sources[at]);
    at -= data_.sources.size();
    if (at < data_.stages.size()) return details(data_.stages[at]);
    at -= data_.stages.size();
    if (at < data_.sinks.size()) return details(data_.sinks[at]);
    at -= data_.sinks.size();
    if (at < data_.gateways.size()) return details(data_.gateways[at]);
    at -= data_.gateways.size();
    if (at < data_.upstreams.size()) details(data_.upstreams[at]);
  }
  void details(const TopGateway& g) {
    add(line().add("gateway " + g.name, Tone::strong));
    fact("address", g.address), fact("connections", fmt::format("{:.0f}", g.connections));
    chain(g.why);
    fact("in", fmt::format("{:.0f} requests; now {}/s", g.in, short_count(g.rate)));
    fact("answered", fmt::format("{:.0f}; now {}/s", g.answered, short_count(g.answered_rate)));
    fact("refused", fmt::format("{:.0f}; now {}/s", g.refused, short_count(g.refused_rate)));
    fact("abandoned", fmt::format("{:.0f}", g.abandoned));
    fact("under way", fmt::format("{:.0f}", g.in_flight));
  }
  void details(const TopUpstream& u) {
    add(line().add("upstream " + u.name, Tone::strong));
    chain(u.why);
    fact("at work", fmt::format("{:.0f} of at most {:.0f} requests", u.in_flight, u.limit));
    fact("waiting", fmt::format("{:.0f}", u.waiting));
    fact("breaker", u.breaker);
    fact("endpoints", fmt::format("{:.0f}, {:.0f} of them left alone or unwell", u.endpoints, u.unwell));
  }
  void details(const TopSource& s) {
    add(line().add("source " + s.name, Tone::strong));
    fact("type", s.type), fact("address", s.address), fact("acks", s.acks);
    fact("state", s.paused ? "paused" : "reads");
    chain(s.why);
    fact("in", fmt::format("{:.0f} events, {}; now {}/s, {}/s", s.in, short_bytes(s.bytes), short_count(s.rate),
                           short_bytes(s.byte_rate)));
    fact("refused", fmt::format("{:.0f} requests; now {}/s", s.refused, short_count(s.refused_rate)));
    fact("held", fmt::format("{:.0f} events", s.pending));
  }
  void details(const TopStage& s) {
    add(line().add("stage " + s.name, Tone::strong));
    fact("in", fmt::format("{:.0f} events; now {}/s", s.in, short_count(s.rate_in)));
    fact("out", fmt::format("{:.0f} events; now {}/s", s.emitted, short_count(s.rate_out)));
    fact("filtered", fmt::format("{:.0f} events; now {}/s", s.filtered, short_count(s.filtered_rate)));
    fact("dropped", fmt::format("{:.0f} events; now {}/s", s.dropped, short_count(s.dropped_rate)));
    fact("held", fmt::format("{:.0f} events", s.pending));
  }
  void details(const TopSink& s) {
    add(line().add("sink " + s.name, Tone::strong));
    fact("type", s.type), fact("required", s.required ? "yes: senders wait for it" : "no: nobody waits for it");
    chain(s.why);
    fact("latency", s.latency);
    fact("last error", s.last_error);
    fact("queue", fmt::format("{:.0f} of {:.0f} events, {} of {}, oldest {}", s.waiting, s.bound,
                              short_bytes(s.waiting_bytes), short_bytes(s.bound_bytes), short_time(s.oldest)));
    fact("readers", s.paused ? "paused" : "read");
    fact("stored", fmt::format("{:.0f} events; now {}/s", s.stored, short_count(s.rate)));
    if (s.already > 0) fact("there already", fmt::format("{:.0f} of them, by their id", s.already));
    fact("ended otherwise",
         fmt::format("{:.0f} dead-lettered, {:.0f} dropped, {:.0f} failed", s.dead_lettered, s.dropped, s.failed));
    fact("breaker", s.breaker);
    fact("retries", fmt::format("{:.0f}; failures {:.0f}", s.retries, s.failures));
    fact("workers",
         fmt::format("{:.0f} of {:.0f} busy, {:.0f}% of the time", s.workers_busy, s.workers, s.busy_share * 100));
  }

  void help() {
    for (const auto& [key, what] : {std::pair{"q, Ctrl-C", "leave"},
                                    {"arrows, j k", "select a row"},
                                    {"Enter", "all about the selected one; Enter or Esc goes back"},
                                    {"s", "sort by file order, rate, fill"},
                                    {"p, Space", "stand still, go on"},
                                    {"h, ?", "this page"}})
      fact(key, what);
    blank();
    fact("QUEUE", "what waits for a sink, of its bound; readers pause near the end");
    fact("BUSY", "how much of the time a sink delivers");
    fact("<-", "because: the cause stands behind the arrow");
  }

  /// Exactly the rows of the screen, the selected one among them, and the keys at the bottom.
  void fit() {
    if (view_.rows <= 0) return;
    const auto room = static_cast<std::size_t>(std::max(1, view_.rows - 1));
    if (lines_.size() > room) {
      const std::size_t first = selected_line_ >= room ? selected_line_ - room + 1 : 0;
      const auto begin = lines_.begin() + static_cast<std::ptrdiff_t>(first);
      lines_ = {begin, begin + static_cast<std::ptrdiff_t>(std::min(room, lines_.size() - first))};
    }
    if (!view_.interactive || view_.rows < 3) return;
    lines_.resize(room);
    constexpr std::array sorts{"file order", "rate", "fill"};
    add(line().add(fmt::format("q quit  h help  enter details  s sort: {}  p {}",
                               sorts[static_cast<std::size_t>(view_.sort)], view_.paused ? "go on" : "pause"),
                   Tone::dim));
  }

  const TopData& data_;
  const TopView& view_;
  std::vector<std::string> lines_;
  int row_ = 0;
  std::size_t selected_line_ = 0;
};

}  // namespace

int top_rows(const TopData& data) {
  return static_cast<int>(data.sources.size() + data.stages.size() + data.sinks.size() + data.gateways.size() +
                          data.upstreams.size());
}

void sort_rows(TopData& data, TopView::Sort sort) {
  if (sort == TopView::Sort::file) return;
  // Rows of the same rate are ordered by name, so that they do not change places all the time.
  const auto largest_first = [](auto& rows, auto by) {
    std::ranges::sort(rows,
                      [by](const auto& a, const auto& b) { return a.*by != b.*by ? a.*by > b.*by : a.name < b.name; });
  };
  largest_first(data.sources, &TopSource::rate);
  largest_first(data.stages, &TopStage::rate_in);
  largest_first(data.gateways, &TopGateway::rate);
  largest_first(data.upstreams, &TopUpstream::in_flight);
  largest_first(data.sinks, sort == TopView::Sort::rate ? &TopSink::rate : &TopSink::fill);
}

std::vector<std::string> top_screen(const TopData& data, const TopView& view) { return Screen(data, view).draw(); }

}  // namespace weir::app
