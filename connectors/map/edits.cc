#include "edits.h"

#include <simdjson.h>
#include <weir/component/expression/json_string.h>

#include <algorithm>

namespace weir::map {

using Token = JsonTokens::Token;

namespace {
constexpr bool space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
constexpr std::size_t max_nodes = 1024;

constexpr std::uint64_t length_bit(std::size_t bytes) { return std::uint64_t{1} << std::min<std::size_t>(bytes, 63); }

bool has_backslash(std::string_view key, std::uint64_t head) {
  if (key.size() > 8) return key.find('\\') != key.npos;
  constexpr std::uint64_t ones = 0x0101010101010101u;
  const auto zero = head ^ (ones * '\\');
  return ((zero - ones) & ~zero & (ones << 7)) != 0;
}
}  // namespace

/// The members of one object on their way out. What stays is gathered into runs that are copied whole.
struct Edits::Writer {
  const JsonTokens& tokens;
  std::string& out;
  bool first = true;
  const char* run = nullptr;
  Token run_end = 0;

  void stay(const JsonTokens::Member& member, Token behind) {
    if (!run) run = tokens.place(member.name);
    run_end = behind;
  }
  void flush() {
    if (!run) return;
    const char* end = tokens.place(run_end);
    while (space(end[-1])) --end;
    comma();
    out.append(run, end);
    run = nullptr;
  }
  void comma() {
    if (!first) out.push_back(',');
    first = false;
  }
};

Edits::Edits() : nodes_(1) {}
Edits::Edits(Edits&&) noexcept = default;
Edits& Edits::operator=(Edits&&) noexcept = default;
Edits::~Edits() = default;

Result<std::uint16_t> Edits::node_of(const Path& path) {
  std::size_t at = 0;
  for (const auto& step : path.steps) {
    if (step.index) return failure("only members of objects can be changed, not elements of arrays");
    if (nodes_[at].action != Action::none) return failure("something around it is changed as a whole already");
    const auto& children = nodes_[at].children;
    const auto known =
        std::ranges::find(children, step.key, [&](const Child& c) -> auto& { return nodes_[c.node].written; });
    if (known != children.end()) {
      at = known->node;
      continue;
    }
    if (nodes_.size() == max_nodes) return failure("at most 1000 names can be changed");
    Node made{.written = step.key, .name = {}, .label = '"' + step.key + "\":"};
    if (!unescape_json(step.key, made.name)) made.name = step.key;
    nodes_[at].children.push_back({.head = JsonTokens::head_of(step.key),
                                   .key_bytes = static_cast<std::uint32_t>(step.key.size()),
                                   .node = static_cast<std::uint16_t>(nodes_.size())});
    nodes_[at].lengths |= length_bit(step.key.size());
    nodes_.push_back(std::move(made));
    at = nodes_.size() - 1;
  }
  if (!nodes_[at].children.empty()) return failure("something inside it is changed already");
  return static_cast<std::uint16_t>(at);
}

Result<void> Edits::mark(const Path& path, Action action) {
  const auto at = node_of(path);
  if (!at) return std::unexpected(at.error());
  auto& node = nodes_[*at];
  if (action == Action::take && node.action == Action::set && !node.taken) {
    node.taken = true;
    return {};
  }
  if (node.action != Action::none) return failure("it is changed twice");
  node.action = action;
  keeping_ = keeping_ || action == Action::keep;
  if (action == Action::parse && !parser_) parser_ = std::make_unique<simdjson::dom::parser>();
  return {};
}

Result<void> Edits::set(const Path& path, ValueExpression value, bool moved) {
  const auto at = node_of(path);
  if (!at) return std::unexpected(at.error());
  auto& node = nodes_[*at];
  if (node.action == Action::take)
    node.taken = true;
  else if (node.action != Action::none)
    return failure("it is changed twice");
  node.action = Action::set;
  node.value = static_cast<std::uint16_t>(values_.size());
  // What is moved is no longer where it was; everything else is there once more.
  if (!moved) growth_.factor += value.growth().factor;
  growth_.plus += value.growth().plus;
  for (const auto& step : path.steps) growth_.plus += Bytes(step.key.size() + 6);
  values_.push_back(std::move(value));
  return {};
}

inline Edits::Node* Edits::child(const Node& of, const JsonTokens::Member& member) {
  const auto written = tokens_->key(member);
  if (of.lengths & length_bit(written.size())) {
    for (const auto& c : of.children)
      if (c.head == member.head && c.key_bytes == member.key_bytes &&
          (c.key_bytes <= 8 || nodes_[c.node].written == written))
        return &nodes_[c.node];
  }
  return has_backslash(written, member.head) ? escaped_child(of, written) : nullptr;
}

/// Who removes "password" means "pass\u0077ord" as well.
Edits::Node* Edits::escaped_child(const Node& of, std::string_view written) {
  unescaped_.clear();
  if (!unescape_json(written, unescaped_)) return nullptr;
  for (const auto& c : of.children)
    if (auto& node = nodes_[c.node]; node.name == unescaped_ && node.action != Action::take) return &node;
  return nullptr;
}

bool Edits::apply(JsonEvent& event, WallTime wall, std::string& out) {
  tokens_ = event.tokens();
  if (!tokens_ || tokens_->kind(0) != '{') return false;
  event_ = &event;
  wall_ = wall;
  changed_ = broken_ = false;
  const auto before = out.size();
  const bool whole = object(0, nodes_[0], out);
  if (whole && !broken_ && changed_) return true;
  out.resize(before);
  return false;
}

bool Edits::object(Token at, Node& node, std::string& out) {
  out.push_back('{');
  Writer writer{*tokens_, out};
  if (!(at == 0 ? outermost(node, writer) : inner(at, node, writer))) return false;
  writer.flush();
  for (const auto& c : node.children) {
    if (append_new(nodes_[c.node], writer.first ? "" : ",", out)) writer.first = false;
  }
  out.push_back('}');
  return true;
}

void Edits::each(Node& node, const JsonTokens::Member& found, Token behind, Writer& writer) {
  if (auto* known = child(node, found)) {
    member(*known, found, behind, writer);
  } else if (keeping_) {
    changed_ = true;
    writer.flush();
  } else {
    writer.stay(found, behind);
  }
}

/// Its members are known as far as somebody asked for one of them.
bool Edits::outermost(Node& node, Writer& writer) {
  const auto members = tokens_->members();
  if (!tokens_->complete()) return false;
  for (std::size_t i = 0; i < members.size(); ++i)
    each(node, members[i], i + 1 < members.size() ? members[i + 1].name - 1 : tokens_->size() - 1, writer);
  return true;
}

bool Edits::inner(Token at, Node& node, Writer& writer) {
  Token next = at + 1;
  while (const auto found = tokens_->member(next)) {
    next = tokens_->skip(found->value());
    const char behind = tokens_->kind(next);
    if (behind != ',' && behind != '}') return false;
    each(node, *found, next, writer);
    if (behind == '}') return true;
    ++next;
    if (tokens_->kind(next) == '}') return false;  // a comma before the end
  }
  return tokens_->kind(next) == '}';
}

void Edits::member(Node& node, const JsonTokens::Member& found, Token behind, Writer& writer) {
  const bool again = std::exchange(node.seen_in, event_->number()) == event_->number();
  const auto stay = [&] { writer.stay(found, behind); };
  const auto go = [&] {
    changed_ = true;
    writer.flush();
  };
  if (node.action == Action::keep) return stay();
  if (node.action == Action::remove || node.action == Action::take || (node.action == Action::set && again))
    return go();
  writer.flush();
  const auto before = writer.out.size();
  const bool first = writer.first;
  writer.comma();
  writer.out.append(tokens_->place(found.name), found.key_bytes + 2);
  writer.out.push_back(':');
  const bool was_changed = changed_;
  const bool written = node.action == Action::set     ? append_value(node, writer.out)
                       : node.action == Action::parse ? parsed(found.value(), writer.out)
                                                      : nested(node, found.value(), writer.out);
  if (written) return;
  changed_ = was_changed;
  writer.out.resize(before);
  writer.first = first;
  node.taken || keeping_ ? go() : stay();
}

bool Edits::nested(Node& node, Token value, std::string& out) {
  if (tokens_->kind(value) == '{') {
    broken_ = !object(value, node, out) || broken_;
    return true;
  }
  if (keeping_) return false;
  // Nothing can stand in what is no object: if there is something to set, an object takes its place.
  out.push_back('{');
  bool any = false;
  for (const auto& c : node.children) any = append_new(nodes_[c.node], any ? "," : "", out) || any;
  out.push_back('}');
  return any;
}

bool Edits::append_new(Node& node, std::string_view comma, std::string& out) {
  const bool inner = node.action == Action::none;
  if ((!inner && node.action != Action::set) || keeping_) return false;
  if (std::exchange(node.seen_in, event_->number()) == event_->number()) return false;
  const auto before = out.size();
  out += comma;
  out += node.label;
  bool any = false;
  if (inner) {
    out.push_back('{');
    for (const auto& c : node.children) any = append_new(nodes_[c.node], any ? "," : "", out) || any;
    out.push_back('}');
  } else {
    any = append_value(node, out);
  }
  if (!any) out.resize(before);
  return any;
}

bool Edits::append_value(Node& node, std::string& out) {
  const bool written = values_[node.value].append_to(*event_, wall_, out);
  changed_ = changed_ || written;
  return written;
}

bool Edits::parsed(Token value, std::string& out) {
  const auto raw = tokens_->raw(value);
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return false;
  text_.clear();
  if (!unescape_json(raw.substr(1, raw.size() - 2), text_)) return false;
  // A line feed cannot stand inside a text of valid JSON; between its tokens a space is as good, and the event stays
  // one line.
  const auto size = text_.size();
  text_.append(simdjson::SIMDJSON_PADDING, '\0');
  if (parser_->parse(text_.data(), size, false).error()) return false;
  text_.resize(size);
  std::ranges::replace_if(text_, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  out += text_;
  changed_ = true;
  return true;
}

}  // namespace weir::map
