#pragma once
/// Changes to some members of a JSON object, made by copying everything else as it was written.
///
/// The changes stand in a tree of names. One walk over the event's members copies runs of untouched members whole, and
/// looks closer only where a name is in the tree. Numbers keep their digits, texts their escapes, and an event that was
/// JSON still is. An event that is no object, or is broken where it is walked over, is left alone.
///
///   set      of the whole event (a path without steps) alone: the value replaces it. Else the value goes to the first member of that name, others of the same name go; nothing there: it is
///            added, with the objects around it. A value that is missing changes nothing.
///   remove   every member of that name goes, however its name is escaped
///   take     as remove, for a member that a `set` moves elsewhere: by its name as it is written
///   parse    a text that holds JSON becomes what it holds
///   keep     only what is named stays, and the objects around it
///
/// Thread: one owner. Cost: about 6 ns a member walked over, 50 ns a value, and the copying; no allocation once the
/// largest event was seen.
#include <weir/component/expression/value_expression.h>

namespace simdjson::dom {
class parser;
}

namespace weir::map {

class Edits {
 public:
  Edits();
  Edits(Edits&&) noexcept;
  Edits& operator=(Edits&&) noexcept;
  ~Edits();

  Result<void> set(const Path& path, ValueExpression value, bool moved = false);
  Result<void> remove(const Path& path) { return mark(path, Action::remove); }
  Result<void> take(const Path& path) { return mark(path, Action::take); }
  Result<void> parse(const Path& path) { return mark(path, Action::parse); }
  Result<void> keep(const Path& path) { return mark(path, Action::keep); }
  bool empty() const { return nodes_.size() == 1 && nodes_[0].action == Action::none; }
  Growth growth() const { return growth_; }
  Attributes reads() const { return reads_; }

  /// Appends the changed event; false: nothing changed, and nothing was appended.
  bool apply(JsonEvent& event, const EventFacts& facts, std::string& out);

 private:
  enum class Action : std::uint8_t { none, set, remove, take, parse, keep };
  struct Child {
    std::uint64_t head;  ///< of its name (JsonMembers::head_of)
    std::uint16_t node;
  };
  struct Node {
    std::string written, name;  ///< as in the path, and without escapes
    std::string label;          ///< `"written":`
    Action action = Action::none;
    bool taken = false;  ///< what `set` finds there has moved elsewhere
    std::uint16_t value = 0;
    std::vector<Child> children{};
    std::uint64_t seen_in = 0;  ///< the event in which it was found or added
  };
  struct Writer;
  Result<std::uint16_t> node_of(const Path& path);
  Result<void> mark(const Path& path, Action action);
  Node* child(const Node& of, const JsonMembers::Member& member);
  Node* escaped_child(const Node& of, std::string_view written);
  template <typename ForEach>
  void object(Node& node, Room& out, ForEach for_each);
  void each(Node& node, const JsonMembers::Member& found, Writer& writer);
  void member(Node& node, const JsonMembers::Member& found, Writer& writer);
  bool nested(Node& node, std::string_view value, Room& out);
  bool parsed(std::string_view raw, Room& out);
  bool put_new(Node& node, std::string_view comma, Room& out);
  bool put_value(Node& node, Room& out);

  std::vector<Node> nodes_;
  std::vector<ValueExpression> values_;
  Growth growth_;
  Attributes reads_;
  bool keeping_ = false, changed_ = false, broken_ = false;
  JsonEvent* event_ = nullptr;
  const JsonMembers* members_ = nullptr;
  EventFacts facts_;
  std::string unescaped_, text_;
  std::unique_ptr<simdjson::dom::parser> parser_;
};

}  // namespace weir::map
