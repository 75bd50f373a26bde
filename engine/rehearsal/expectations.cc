#include "rehearsal/expectations.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <weir/base/json_text.h>

#include <algorithm>
#include <functional>
#include <map>

namespace weir::pipeline {
namespace {

namespace dom = simdjson::dom;
using Kind = DiffLine::Kind;
using Lines = std::vector<DiffLine>;

constexpr std::size_t most_comparisons = 1'000'000;
constexpr std::size_t most_lines = 200;  // of one sink
constexpr std::size_t context = 3;       // equal lines around what differs

/// An event, or what is expected of one, parsed once.
struct Side {
  std::string shown{};
  std::string_view bytes{};
  std::optional<Priority> priority{};
  bool exact = false, json = false;
  std::unique_ptr<dom::parser> parser = std::make_unique<dom::parser>();
  dom::element tree{};

  void parse() { json = parser->parse(bytes.data(), bytes.size(), true).get(tree) == simdjson::SUCCESS; }
};

bool covers(const dom::element& event, const dom::element& wanted);

bool covers_object(const dom::object& event, const dom::object& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& member) {
    dom::element value;
    return event.at_key(member.key).get(value) == simdjson::SUCCESS && covers(value, member.value);
  });
}

bool covers_array(const dom::array& event, const dom::array& wanted) {
  if (event.size() != wanted.size()) return false;
  return std::ranges::equal(event, wanted, [](const auto& a, const auto& b) { return covers(a, b); });
}

/// Numbers are equal by value, whether they were written 3 or 3.0.
bool covers(const dom::element& event, const dom::element& wanted) {
  if (wanted.is_object()) return event.is_object() && covers_object(event.get_object(), wanted.get_object());
  if (wanted.is_array()) return event.is_array() && covers_array(event.get_array(), wanted.get_array());
  if (wanted.is_number() && event.is_number() && wanted.type() != event.type())
    return double{wanted.get_double()} == double{event.get_double()};
  return wanted.type() == event.type() && simdjson::minify(wanted) == simdjson::minify(event);
}

bool matches(const Side& wanted, const Side& event) {
  if (wanted.priority && wanted.priority != event.priority) return false;
  if (wanted.exact) return wanted.bytes == event.bytes;
  return event.json && wanted.json && covers(event.tree, wanted.tree);
}

/// What both lists have in common, as pairs of places: the longest such sequence.
using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;
using Matches = std::function<bool(std::size_t, std::size_t)>;

Pairs in_order(std::size_t n, std::size_t m, const Matches& match) {
  Pairs pairs;
  std::size_t front = 0, back = 0;
  while (front < std::min(n, m) && match(front, front)) pairs.emplace_back(front, front), ++front;
  while (back < std::min(n, m) - front && match(n - 1 - back, m - 1 - back)) ++back;
  const std::size_t rows = n - front - back, columns = m - front - back;
  if (rows * columns <= most_comparisons) {
    std::vector<std::uint32_t> best((rows + 1) * (columns + 1));
    const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return best[i * (columns + 1) + j]; };
    std::vector<bool> equal(rows * columns);
    for (std::size_t i = rows; i-- > 0;)
      for (std::size_t j = columns; j-- > 0;) {
        equal[i * columns + j] = match(front + i, front + j);
        at(i, j) = equal[i * columns + j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
      }
    for (std::size_t i = 0, j = 0; i < rows && j < columns;) {
      if (equal[i * columns + j])
        pairs.emplace_back(front + i++, front + j++);
      else
        at(i + 1, j) >= at(i, j + 1) ? ++i : ++j;
    }
  }
  for (; back > 0; --back) pairs.emplace_back(n - back, m - back);
  return pairs;
}

/// As many expected events as possible, each with an event of its own: augmenting paths.
Pairs in_any_order(std::size_t n, std::size_t m, const Matches& match) {
  constexpr auto nobody = static_cast<std::size_t>(-1);
  std::vector<std::size_t> owner(m, nobody), seen(m, nobody);
  const std::function<bool(std::size_t, std::size_t)> place = [&](std::size_t i, std::size_t round) {
    for (std::size_t j = 0; j < m; ++j) {
      if (seen[j] == round || !match(i, j)) continue;
      seen[j] = round;
      if (owner[j] != nobody && !place(owner[j], round)) continue;
      owner[j] = i;
      return true;
    }
    return false;
  };
  for (std::size_t i = 0; i < n; ++i) place(i, i);
  Pairs pairs;
  for (std::size_t j = 0; j < m; ++j)
    if (owner[j] != nobody) pairs.emplace_back(owner[j], j);
  std::ranges::sort(pairs);
  return pairs;
}

std::string counted(std::uint64_t n, const char* of) { return fmt::format("{} {}{}", n, of, n == 1 ? "" : "s"); }

/// Leaves out equal lines that are far from any other, and what is beyond most_lines.
Lines shortened(const Lines& all) {
  const auto near = [&](std::size_t i) {
    const auto from = i < context ? 0 : i - context, to = std::min(all.size(), i + context + 1);
    return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(to),
                       [](const DiffLine& line) { return line.kind != Kind::same; });
  };
  Lines out;
  for (std::size_t i = 0; i < all.size();) {
    if (out.size() == most_lines) {
      out.push_back({Kind::note, fmt::format("... {} more", counted(all.size() - i, "line"))});
      break;
    }
    std::size_t equal = 0;
    while (i + equal < all.size() && !near(i + equal)) ++equal;
    if (equal > 0) out.push_back({Kind::note, fmt::format("... {} as expected", counted(equal, "event"))});
    if (equal == 0) out.push_back(all[i++]);
    i += equal;
  }
  return out;
}

struct Sides {
  std::vector<Side> wanted, events;
};

Sides sides_of(const config::ExpectedSink& sink, const std::vector<Rehearsed::Event>& events) {
  Sides sides;
  const bool raw = std::ranges::any_of(sink.events, &config::ExpectedEvent::exact);
  const bool prioritised = std::ranges::any_of(sink.events, [](const auto& e) { return e.priority.has_value(); });
  const auto label = [](std::string text, std::optional<Priority> priority) {
    return priority ? fmt::format("{}  (priority {})", text, name(*priority)) : std::move(text);
  };
  for (const auto& each : sink.events) {
    Side& side = sides.wanted.emplace_back();
    side.shown = label(each.exact ? each.text : canonical_json(each.text), each.priority);
    side.bytes = each.text;
    side.priority = each.priority;
    side.exact = each.exact;
    side.parse();
  }
  for (const auto& each : events) {
    Side& side = sides.events.emplace_back();
    side.shown =
        label(raw ? each.bytes : canonical_json(each.bytes), prioritised ? std::optional(each.priority) : std::nullopt);
    side.bytes = each.bytes;
    side.priority = each.priority;
    side.parse();
  }
  return sides;
}

void compare_list(const config::ExpectedSink& sink, const std::vector<Rehearsed::Event>& events, Lines& out) {
  const Sides sides = sides_of(sink, events);
  const auto n = sides.wanted.size(), m = sides.events.size();
  const Matches match = [&](std::size_t i, std::size_t j) { return matches(sides.wanted[i], sides.events[j]); };
  const Pairs pairs = sink.any_order ? in_any_order(n, m, match) : in_order(n, m, match);
  if (pairs.size() == n && pairs.size() == m) return;
  Lines lines;
  std::vector<bool> expected(n), came(m);
  for (const auto& [i, j] : pairs) expected[i] = came[j] = true;
  for (std::size_t i = 0, j = 0; i < n || j < m;) {
    for (; i < n && !expected[i]; ++i) lines.push_back({Kind::expected, sides.wanted[i].shown});
    for (; j < m && !came[j]; ++j) lines.push_back({Kind::got, sides.events[j].shown});
    if (j < m) lines.push_back({Kind::same, sides.events[j++].shown});
    if (i < n) ++i;
  }
  out.push_back({Kind::title, fmt::format("sink {}: {} expected, {} came", sink.name, counted(n, "event"), m)});
  std::ranges::move(shortened(lines), std::back_inserter(out));
}

void compare_count(const config::ExpectedSink& sink, const std::vector<Rehearsed::Event>& events, Lines& out) {
  const auto came =
      std::ranges::count_if(events, [&](const auto& e) { return !sink.priority || e.priority == *sink.priority; });
  const auto n = static_cast<std::uint64_t>(came);
  if (n == *sink.count) return;
  const std::string of = sink.priority ? fmt::format(" of priority {}", name(*sink.priority)) : "";
  out.push_back({Kind::title, fmt::format("sink {}", sink.name)});
  out.push_back({Kind::expected, counted(*sink.count, "event") + of});
  out.push_back({Kind::got, counted(n, "event") + of});
}

void compare_fates(const config::TestCase& test, const Rehearsed& rehearsed, Lines& out) {
  Lines lines;
  bool differ = false;
  for (const auto& each : test.fates) {
    const auto got = rehearsed.count(each.fate, each.reason);
    std::string what(each.fate ? weir::name(*each.fate) : "pending");
    if (each.reason) what += fmt::format(" ({})", name(*each.reason));
    if (got == each.count) {
      lines.push_back({Kind::same, fmt::format("{}: {}", what, got)});
      continue;
    }
    differ = true;
    lines.push_back({Kind::expected, fmt::format("{}: {}", what, each.count)});
    lines.push_back({Kind::got, fmt::format("{}: {}", what, got)});
  }
  if (!differ) return;
  out.push_back({Kind::title, "fates"});
  std::ranges::move(lines, std::back_inserter(out));
}

}  // namespace

bool json_covers(std::string_view text, std::string_view wanted) {
  Side one{.bytes = text}, other{.bytes = wanted};
  one.parse();
  other.parse();
  return matches(other, one);
}

std::string canonical_json(std::string_view text) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(text.data(), text.size(), true).get(root) != simdjson::SUCCESS) return std::string(text);
  const std::function<std::string(const dom::element&)> write = [&](const dom::element& value) -> std::string {
    std::string out;
    if (value.is_array()) {
      for (const dom::element item : value.get_array().value()) out += (out.empty() ? "" : ",") + write(item);
      return "[" + out + "]";
    }
    if (!value.is_object()) return simdjson::minify(value);
    std::multimap<std::string_view, std::string> members;
    for (const auto& member : value.get_object().value()) members.emplace(member.key, write(member.value));
    for (const auto& [key, json] : members) out += (out.empty() ? "" : ",") + json_text(key) + ":" + json;
    return "{" + out + "}";
  };
  return write(root);
}

std::vector<DiffLine> differences(const config::TestCase& test, const Rehearsed& rehearsed) {
  Lines out;
  for (const auto& sink : rehearsed.sinks) {
    const auto wanted = std::ranges::find(test.sinks, sink.name, &config::ExpectedSink::name);
    if (wanted != test.sinks.end()) {
      if (wanted->listed) compare_list(*wanted, sink.events, out);
      if (wanted->count) compare_count(*wanted, sink.events, out);
    } else if (test.only && !sink.is_journal) {
      compare_list({.name = sink.name, .listed = true}, sink.events, out);
    }
  }
  compare_fates(test, rehearsed, out);
  return out;
}

}  // namespace weir::pipeline
