#include <weir/component/expression/scanner.h>

#include <algorithm>
#include <array>
#include <utility>

namespace weir {
namespace {

using Op = Program::Op;
using Wrong = WrongExpression;
using Node = std::uint16_t;

struct Call {
  std::string_view name;
  Op op;
  int least, most;
};
constexpr std::array calls{Call{"exists", Op::exists, 1, 1},
                           Call{"contains", Op::contains, 2, 2},
                           Call{"starts_with", Op::starts_with, 2, 2},
                           Call{"lower", Op::lower, 1, 1},
                           Call{"upper", Op::upper, 1, 1},
                           Call{"length", Op::length, 1, 1},
                           Call{"now", Op::now, 0, 0},
                           Call{"to_unix", Op::to_unix, 1, 1},
                           Call{"to_rfc3339", Op::to_rfc3339, 1, 1},
                           Call{"to_number", Op::to_number, 1, 1},
                           Call{"to_text", Op::to_text, 1, 1},
                           Call{"coalesce", Op::coalesce, 2, 8},
                           Call{"if", Op::choose, 3, 3}};

class Parser {
 public:
  explicit Parser(std::string_view text) : scan_(text) {
    if (text.size() > Program::max_text) throw Wrong{"an expression has at most 4096 bytes", Program::max_text};
  }

  Program parse(Wanted wanted) {
    scan_.peek();
    const auto start = scan_.at();
    const auto root = either();
    if (scan_.peek() != '\0') throw Wrong{expected_instead(), scan_.at()};
    if (wanted == Wanted::condition) need_condition(root, start);
    return std::move(program_);
  }

 private:
  std::string expected_instead() {
    const auto rest = scan_.rest();
    if (rest.starts_with("=")) return "a comparison is written ==";
    if (rest.starts_with("and") || rest.starts_with("&")) return "write && for \"and\"";
    if (rest.starts_with("or") || rest.starts_with("|")) return "write || for \"or\"";
    return "expected &&, ||, a comparison, + - * / or the end of the expression";
  }

  Node add(Program::Node node, std::size_t at) {
    if (program_.nodes.size() == Program::max_nodes) throw Wrong{"an expression has at most 512 parts", at};
    node.growth = growth_of(program_, node);
    if (node.growth.factor > Program::max_factor) throw Wrong{"this could be more than 16 times its event", at};
    program_.nodes.push_back(node);
    return program_.root();
  }

  /// A path may hold a boolean, a choice may give one; a sum or a text never is one.
  void need_condition(Node node, std::size_t at) const {
    const auto& [op, first, second, third, growth] = program_.nodes[node];
    const bool never = (op >= Op::add && op < Op::coalesce) || op > Op::choose ||
                       (op == Op::literal && program_.literals[first].value.kind != JsonValue::Kind::boolean);
    if (never) throw Wrong{"a value alone is no condition: compare it with something", at};
  }

  template <typename Part>
  Node chain(std::string_view token, Op op, Part part) {
    scan_.peek();
    auto start = scan_.at();
    auto left = (this->*part)();
    while (scan_.take(token)) {
      need_condition(left, start);
      scan_.peek();
      start = scan_.at();
      const auto right = (this->*part)();
      need_condition(right, start);
      left = add({op, left, right}, start);
    }
    return left;
  }
  Node either() { return chain("||", Op::either, &Parser::both); }
  Node both() { return chain("&&", Op::both, &Parser::negation); }

  /// `!` binds less than a comparison: !.a == 1 negates the whole.
  Node negation() {
    if (scan_.peek() != '!' || scan_.rest().starts_with("!=")) return comparison();
    const auto start = scan_.at();
    scan_.take("!");
    const Deeper deeper(*this);
    const auto what = negation();
    need_condition(what, start + 1);
    return add({Op::negate, what}, start);
  }

  Node comparison() {
    const auto left = sum();
    static constexpr std::array comparisons{std::pair{"==", Op::equal},   std::pair{"!=", Op::unequal},
                                            std::pair{"<=", Op::at_most}, std::pair{">=", Op::at_least},
                                            std::pair{"<", Op::less},     std::pair{">", Op::greater}};
    const auto at = scan_.at();
    for (const auto& [token, op] : comparisons)
      if (scan_.take(token)) {
        const auto right = sum();
        return add({op, left, right}, at);
      }
    return left;
  }

  Node sum() {
    auto left = product();
    for (;;) {
      const char c = scan_.peek();
      const auto at = scan_.at();
      if (c != '+' && c != '-') return left;
      scan_.take(c == '+' ? "+" : "-");
      const auto right = product();
      left = add({c == '+' ? Op::add : Op::subtract, left, right}, at);
    }
  }

  Node product() {
    auto left = primary();
    for (;;) {
      const char c = scan_.peek();
      const auto at = scan_.at();
      if (c != '*' && c != '/') return left;
      scan_.take(c == '*' ? "*" : "/");
      const auto right = primary();
      left = add({c == '*' ? Op::multiply : Op::divide, left, right}, at);
    }
  }

  Node primary() {
    const char c = scan_.peek();
    const auto start = scan_.at();
    if (c == '.') return add({Op::path, path()}, start);
    if (c == '@') return attribute(start);
    if (c == '{') return object(start);
    if (c == '[') return array(start);
    if (const auto name = scan_.call_name(); !name.empty()) return call(name);
    if (c == '(') {
      scan_.take("(");
      const Deeper deeper(*this);
      const auto inside = either();
      scan_.need(")", "to close the parenthesis");
      return inside;
    }
    program_.literals.push_back(scan_.literal());
    return add({Op::literal, static_cast<Node>(program_.literals.size() - 1)}, start);
  }

  Node attribute(std::size_t start) {
    const auto which = scan_.attribute();
    program_.attributes.add(which);
    return add({Op::attribute, static_cast<Node>(which)}, start);
  }

  Node object(std::size_t start) {
    scan_.take("{");
    return collection(Op::object, "}", start, [this] {
      program_.literals.push_back(scan_.key());
      const auto key = static_cast<Node>(program_.literals.size() - 1);
      scan_.need(":", "and a value");
      return key;
    });
  }
  Node array(std::size_t start) {
    scan_.take("[");
    return collection(Op::array, "]", start, [] { return Program::no_item; });
  }

  /// Its items are chained from the last to the first, as a node refers only to what is there already.
  template <typename Key>
  Node collection(Op op, std::string_view end, std::size_t start, Key key) {
    const Deeper deeper(*this);
    std::vector<std::pair<Node, Node>> items;  // key, value
    while (!scan_.take(end)) {
      if (!items.empty()) scan_.need(",", "or " + std::string(end));
      const auto name = key();
      need_new(name, items);
      items.emplace_back(name, either());
    }
    Node next = Program::no_item;
    for (auto at = items.rbegin(); at != items.rend(); ++at) next = add({Op::item, at->second, next, at->first}, start);
    return add({op, next}, start);
  }

  /// No object with one name twice.
  void need_new(Node key, const std::vector<std::pair<Node, Node>>& items) const {
    if (key == Program::no_item) return;
    for (const auto& [known, value] : items)
      if (program_.literals[known].text == program_.literals[key].text)
        throw Wrong{"there are two members of this name", scan_.at()};
  }

  Node call(std::string_view name) {
    const auto start = scan_.at();
    const auto* known = std::ranges::find(calls, name, &Call::name);
    if (known == calls.end()) {
      std::string names;
      for (const auto& each : calls) names += (names.empty() ? "" : ", ") + std::string(each.name);
      throw Wrong{"there is no such function; there are " + names, start};
    }
    const Deeper deeper(*this);
    scan_.take(name);
    scan_.take("(");
    std::vector<Node> arguments;
    while (static_cast<int>(arguments.size()) < known->most) {
      if (!arguments.empty() && static_cast<int>(arguments.size()) >= known->least && scan_.peek() != ',') break;
      if (!arguments.empty()) scan_.need(",", is_search(known->op) ? "and a text after the path" : "and another value");
      arguments.push_back(argument(known->op, arguments.size()));
    }
    scan_.need(")", "to close the call");
    return applied(known->op, arguments, start);
  }

  static bool is_search(Op op) { return op == Op::contains || op == Op::starts_with; }

  Node argument(Op op, std::size_t index) {
    const char c = scan_.peek();
    const auto start = scan_.at();
    if (op == Op::exists && c == '@') return attribute(start);
    if (op == Op::exists && c != '.') throw Wrong{"expected a path such as .status", start};
    if (op == Op::exists) return add({Op::path, path()}, start);
    const auto made = either();
    const auto& node = program_.nodes[made];
    if (is_search(op) && node.op == Op::literal && program_.literals[node.first].value.kind != JsonValue::Kind::text)
      throw Wrong{"expected a text in quotes", start};
    if (op == Op::choose && index == 0) need_condition(made, start);
    return made;
  }

  /// coalesce(a, b, c) is coalesce(a, coalesce(b, c)).
  Node applied(Op op, const std::vector<Node>& arguments, std::size_t at) {
    if (op == Op::coalesce) {
      auto last = arguments.back();
      for (auto i = arguments.size() - 1; i-- > 0;) last = add({op, arguments[i], last}, at);
      return last;
    }
    const auto n = [&](std::size_t i) { return i < arguments.size() ? arguments[i] : Node{0}; };
    return add({op, n(0), n(1), n(2)}, at);
  }

  Node path() {
    const auto start = scan_.at();
    auto parsed = scan_.path();
    auto& paths = program_.paths;
    const auto known = std::ranges::find(paths, parsed);
    const auto index = static_cast<Node>(known - paths.begin());
    if (known == paths.end()) {
      if (paths.size() == Program::max_paths) throw Wrong{"an expression reads at most 32 different paths", start};
      paths.push_back(std::move(parsed));
    }
    return index;
  }

  struct Deeper {
    explicit Deeper(Parser& p) : parser(p) {
      if (++parser.depth_ > Program::max_depth)
        throw Wrong{"parentheses, calls and ! nest at most 32 deep", parser.scan_.at()};
    }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { --parser.depth_; }
    Parser& parser;
  };

  Scanner scan_;
  int depth_ = 0;
  Program program_;
};

}  // namespace

Result<Program> parse_expression(std::string_view text, Wanted wanted) {
  try {
    return Parser(text).parse(wanted);
  } catch (const Wrong& wrong) {
    return std::unexpected(caret_error(wrong.message, text, wrong.at));
  }
}

}  // namespace weir
