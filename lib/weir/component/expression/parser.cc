#include <weir/component/expression/program.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace weir {
namespace {

using Op = Program::Op;

/// Thrown and caught in this file only: a parser that unwinds by hand is twice as long.
struct Wrong {
  std::string message;
  std::size_t at;
};

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Program parse() {
    if (text_.size() > Program::max_text) throw Wrong{"an expression has at most 4096 bytes", Program::max_text};
    either();
    skip_space();
    if (at_ != text_.size()) throw Wrong{expected_instead(), at_};
    return std::move(program_);
  }

 private:
  std::string expected_instead() const {
    const auto rest = text_.substr(at_);
    if (rest.starts_with("=")) return "a comparison is written ==";
    if (rest.starts_with("and") || rest.starts_with("&")) return "write && for \"and\"";
    if (rest.starts_with("or") || rest.starts_with("|")) return "write || for \"or\"";
    return "expected &&, || or the end of the expression";
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void need(std::string_view token, std::string_view where) {
    if (!take(token)) throw Wrong{"expected " + std::string(token) + " " + std::string(where), at_};
  }

  std::uint16_t add(Op op, std::uint16_t left, std::uint16_t right = 0) {
    if (program_.nodes.size() == Program::max_nodes) throw Wrong{"an expression has at most 256 parts", at_};
    program_.nodes.push_back({op, left, right});
    return static_cast<std::uint16_t>(program_.nodes.size() - 1);
  }

  std::uint16_t either() {
    auto left = both();
    while (take("||")) {
      const auto right = both();
      left = add(Op::either, left, right);
    }
    return left;
  }

  std::uint16_t both() {
    auto left = unary();
    while (take("&&")) {
      const auto right = unary();
      left = add(Op::both, left, right);
    }
    return left;
  }

  std::uint16_t unary() {
    if (++depth_ > Program::max_depth) throw Wrong{"parentheses and ! nest at most 32 deep", at_};
    std::uint16_t node = 0;
    skip_space();
    if (!text_.substr(at_).starts_with("!=") && take("!")) {
      node = add(Op::negate, unary());
    } else if (take("(")) {
      node = either();
      need(")", "to close the parenthesis");
    } else {
      node = condition();
    }
    --depth_;
    return node;
  }

  std::uint16_t condition() {
    static constexpr std::array calls{std::pair{"exists(", Op::exists}, std::pair{"contains(", Op::contains},
                                      std::pair{"starts_with(", Op::starts_with}};
    for (const auto& [name, op] : calls)
      if (take(name)) return call(op);
    const auto start = at_;
    const auto left = operand();
    static constexpr std::array comparisons{std::pair{"==", Op::equal},   std::pair{"!=", Op::unequal},
                                            std::pair{"<=", Op::at_most}, std::pair{">=", Op::at_least},
                                            std::pair{"<", Op::less},     std::pair{">", Op::greater}};
    for (const auto& [token, op] : comparisons)
      if (take(token)) {
        const auto right = operand();
        return add(op, left, right);
      }
    const auto& only = program_.operands[left];
    if (!only.path && only.literal.kind != JsonValue::Kind::boolean)
      throw Wrong{"a value alone is no condition: compare it with something", start};
    return add(Op::truth, left);
  }

  std::uint16_t call(Op op) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != '.') throw Wrong{"expected a path such as .status", at_};
    const auto path = operand();
    std::uint16_t part = 0;
    if (op != Op::exists) {
      need(",", "and a text after the path");
      skip_space();
      const auto start = at_;
      part = operand();
      if (program_.operands[part].literal.kind != JsonValue::Kind::text)
        throw Wrong{"expected a text in quotes", start};
    }
    need(")", "to close the call");
    return add(op, path, part);
  }

  std::uint16_t operand() {
    skip_space();
    Program::Operand made;
    if (at_ >= text_.size()) throw Wrong{"expected a path or a value", at_};
    const char c = text_[at_];
    if (c == '.')
      made.path = path();
    else if (c == '"')
      made = text();
    else if (c == '-' || (c >= '0' && c <= '9'))
      made.literal = number();
    else
      made.literal = word();
    program_.operands.push_back(std::move(made));
    return static_cast<std::uint16_t>(program_.operands.size() - 1);
  }

  std::uint16_t path() {
    Path parsed;
    if (auto wrong = parse_path(text_, at_, parsed)) throw Wrong{*wrong, at_};
    auto& paths = program_.paths;
    const auto known = std::ranges::find(paths, parsed);
    const auto index = static_cast<std::uint16_t>(known - paths.begin());
    if (known == paths.end()) {
      if (paths.size() == Program::max_paths) throw Wrong{"an expression reads at most 32 different paths", at_};
      paths.push_back(std::move(parsed));
    }
    return index;
  }

  JsonValue word() {
    for (const auto& [name, value] : {std::pair{"true", JsonValue{.kind = JsonValue::Kind::boolean, .flag = true}},
                                      std::pair{"false", JsonValue{.kind = JsonValue::Kind::boolean}},
                                      std::pair{"null", JsonValue{.kind = JsonValue::Kind::null}}})
      if (take(name)) return value;
    if (text_[at_] == '\'') throw Wrong{"texts stand in double quotes", at_};
    throw Wrong{"expected a path (.status), a text (\"paid\"), a number, true, false or null", at_};
  }

  JsonValue number() {
    double value = 0;
    const auto* begin = text_.data() + at_;
    const auto* limit = text_.data() + text_.size();
    const auto [end, error] = std::from_chars(begin, limit, value);
    if (error != std::errc{}) throw Wrong{"this is not a number", at_};
    JsonValue made{.kind = JsonValue::Kind::number, .number = value};
    // Integers keep all their digits: ids are often beyond 2^53.
    const auto reads_whole = [&](auto whole) {
      const auto [stop, trouble] = std::from_chars(begin, end, whole);
      if (trouble == std::errc{} && stop == end) made.number = whole;
    };
    reads_whole(std::int64_t{});
    reads_whole(std::uint64_t{});
    at_ += static_cast<std::size_t>(end - begin);
    return made;
  }

  Program::Operand text() {
    const auto start = at_++;
    Program::Operand made;
    made.literal.kind = JsonValue::Kind::text;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\')
        escape(made.text);
      else
        made.text.push_back(text_[at_++]);
    }
    if (at_ >= text_.size()) throw Wrong{"this text is not closed", start};
    ++at_;
    return made;
  }

  void escape(std::string& out) {
    static constexpr std::string_view letters = "\"\\/nrtbf", values = "\"\\/\n\r\t\b\f";
    const auto start = at_++;
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    if (c == 'u') return append_utf8(out, code_point(start));
    const auto found = letters.find(c);
    if (c == '\0' || found == letters.npos) throw Wrong{"expected \\\" \\\\ \\/ \\n \\r \\t \\b \\f or \\u0000", start};
    out.push_back(values[found]);
  }

  std::uint32_t code_point(std::size_t start) {
    const auto high = hex4(start);
    if (high < 0xd800 || high > 0xdfff) return high;
    if (high < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      const auto low = hex4(start);
      if (low >= 0xdc00 && low <= 0xdfff) return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    throw Wrong{"half a surrogate pair is no character", start};
  }

  std::uint32_t hex4(std::size_t start) {
    const auto digits = text_.substr(std::min(at_, text_.size()), 4);
    std::uint32_t code = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (error != std::errc{} || end != digits.data() + 4)
      throw Wrong{"expected four hexadecimal digits after \\u", start};
    at_ += 4;
    return code;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Program program_;
};

}  // namespace

Result<Program> parse_expression(std::string_view text) {
  try {
    return Parser(text).parse();
  } catch (const Wrong& wrong) {
    return std::unexpected(caret_error(wrong.message, text, wrong.at));
  }
}

}  // namespace weir
