#include "edits.h"

#include <simdjson.h>
#include <weir/component/expression/json_string.h>

#include <algorithm>

namespace weir::map {

using Member = JsonMembers::Member;

namespace {
constexpr std::size_t max_nodes = 1024;
}  // namespace

/// Writes the members of one object. Members that stay are gathered into runs that are copied whole.
struct Edits::Writer {
  const JsonMembers& members;
  Room& out;
  bool first = true;
  const char *run = nullptr, *run_end = nullptr;

  void stay(const Member& member) {
    if (!run) run = members.at(member.name);
    run_end = members.at(member.end);
  }
  void flush() {
    if (!run) return;
    comma();
    out.put_padded({run, run_end});
    run = nullptr;
  }
  void comma() {
    if (!first) out.put(',');
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
    nodes_[at].children.push_back(
        {.head = JsonMembers::head_of(step.key), .node = static_cast<std::uint16_t>(nodes_.size())});
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
  // A moved value is left out at its old place, so it adds no growth; any other value is a copy.
  if (!moved) growth_.factor += value.growth().factor;
  growth_.plus += value.growth().plus;
  reads_.add(value.attributes());
  for (const auto& step : path.steps) growth_.plus += Bytes(step.key.size() + 6);
  values_.push_back(std::move(value));
  return {};
}

/// The first eight bytes tell most names apart: this loop is what most members cost.
[[gnu::always_inline]] inline Edits::Node* Edits::child(const Node& of, const Member& member) {
  for (const auto& c : of.children)
    if (c.head == member.head && nodes_[c.node].written == members_->key(member)) return &nodes_[c.node];
  return member.escaped ? escaped_child(of, members_->key(member)) : nullptr;
}

/// A rule that removes "password" removes "pass\u0077ord" as well.
Edits::Node* Edits::escaped_child(const Node& of, std::string_view written) {
  unescaped_.clear();
  if (!unescape_json(written, unescaped_)) return nullptr;
  for (const auto& c : of.children)
    if (auto& node = nodes_[c.node]; node.name == unescaped_ && node.action != Action::take) return &node;
  return nullptr;
}

[[gnu::always_inline]] inline void Edits::each(Node& node, const Member& found, Writer& writer) {
  if (auto* known = child(node, found)) {
    member(*known, found, writer);
  } else if (keeping_) {
    changed_ = true;
    writer.flush();
  } else {
    writer.stay(found);
  }
}

bool Edits::apply(JsonEvent& event, const EventFacts& facts, std::string& out) {
  members_ = event.members();
  if (!members_ || !members_->complete()) return false;
  event_ = &event;
  facts_ = facts;
  changed_ = broken_ = false;
  append_within(out, growth_.of(Bytes(event.event().size())).count(), [&](Room& room) {
    char* before = room.mark();
    if (nodes_[0].action == Action::set) return void(put_value(nodes_[0], room));
    object(nodes_[0], room, [&](auto each_one) {
      for (const auto& member : members_->all()) each_one(member);
    });
    if (broken_ || !changed_) room.back_to(before);
  });
  return !broken_ && changed_;
}

template <typename ForEach>
void Edits::object(Node& node, Room& out, ForEach for_each) {
  out.put('{');
  Writer writer{*members_, out};
  for_each([&](const Member& found) { each(node, found, writer); });
  writer.flush();
  for (const auto& c : node.children) {
    if (put_new(nodes_[c.node], writer.first ? "" : ",", out)) writer.first = false;
  }
  out.put('}');
}

void Edits::member(Node& node, const Member& found, Writer& writer) {
  const bool again = std::exchange(node.seen_in, event_->number()) == event_->number();
  const auto stay = [&] { writer.stay(found); };
  const auto go = [&] {
    changed_ = true;
    writer.flush();
  };
  if (node.action == Action::keep) return stay();
  if (node.action == Action::remove || node.action == Action::take || (node.action == Action::set && again))
    return go();
  writer.flush();
  char* before = writer.out.mark();
  const bool first = writer.first;
  writer.comma();
  writer.out.put_padded({members_->at(found.name), found.key_bytes + 2u});
  writer.out.put(':');
  const bool was_changed = changed_;
  const bool written = node.action == Action::set     ? put_value(node, writer.out)
                       : node.action == Action::parse ? parsed(members_->value(found), writer.out)
                                                      : nested(node, members_->value(found), writer.out);
  if (written) return;
  changed_ = was_changed;
  writer.out.back_to(before);
  writer.first = first;
  node.taken || keeping_ ? go() : stay();
}

bool Edits::nested(Node& node, std::string_view value, Room& out) {
  if (value.front() == '{') {
    JsonMembers::Walk walk(*members_, value);
    object(node, out, [&](auto each_one) {
      for (Member found; walk.next(found);) each_one(found);
    });
    broken_ = broken_ || !walk.complete();
    return true;
  }
  if (keeping_) return false;
  // A value that is no object has no members: if there is something to set, an object replaces it.
  out.put('{');
  bool any = false;
  for (const auto& c : node.children) any = put_new(nodes_[c.node], any ? "," : "", out) || any;
  out.put('}');
  return any;
}

bool Edits::put_new(Node& node, std::string_view comma, Room& out) {
  const bool inner = node.action == Action::none;
  if ((!inner && node.action != Action::set) || keeping_) return false;
  if (std::exchange(node.seen_in, event_->number()) == event_->number()) return false;
  char* before = out.mark();
  out.put(comma);
  out.put(node.label);
  bool any = false;
  if (inner) {
    out.put('{');
    for (const auto& c : node.children) any = put_new(nodes_[c.node], any ? "," : "", out) || any;
    out.put('}');
  } else {
    any = put_value(node, out);
  }
  if (!any) out.back_to(before);
  return any;
}

bool Edits::put_value(Node& node, Room& out) {
  const bool written = values_[node.value].write(*event_, facts_, out);
  changed_ = changed_ || written;
  return written;
}

bool Edits::parsed(std::string_view raw, Room& out) {
  if (raw.front() != '"') return false;
  text_.clear();
  if (!unescape_json(raw.substr(1, raw.size() - 2), text_)) return false;
  // A line feed cannot stand inside a text of valid JSON; between its tokens a space is as good, and the event stays
  // one line.
  const auto size = text_.size();
  text_.append(simdjson::SIMDJSON_PADDING, '\0');
  if (parser_->parse(text_.data(), size, false).error()) return false;
  text_.resize(size);
  std::ranges::replace_if(text_, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  out.put(text_);
  changed_ = true;
  return true;
}

}  // namespace weir::map
