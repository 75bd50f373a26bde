#include <simdjson.h>
#include <weir/component/batch.h>
#include <weir/component/expression/json_tokens.h>

#include <algorithm>
#include <cstring>

namespace weir {

using Token = JsonTokens::Token;

namespace {
constexpr bool space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
constexpr bool begins_value(char c) { return c != '\0' && c != ',' && c != ':' && c != '}' && c != ']'; }
}  // namespace

struct JsonTokens::Indexer {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  bool reserve(std::size_t bytes, std::uint64_t largest) {
    if (parser && bytes <= parser->capacity()) return true;
    // Doubled, so that a slow growth of the events does not mean a new allocation for each.
    const auto capacity = std::min<std::uint64_t>(std::max<std::uint64_t>(2 * bytes, 1024), largest);
    if (bytes > capacity) return false;
    if (parser) return parser->set_capacity(capacity) == simdjson::SUCCESS;
    return simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, parser) ==
           simdjson::SUCCESS;
  }
};

JsonTokens::JsonTokens(Bytes largest) : largest_(largest.count()), indexer_(std::make_unique<Indexer>()) {}
JsonTokens::JsonTokens(JsonTokens&&) noexcept = default;
JsonTokens& JsonTokens::operator=(JsonTokens&&) noexcept = default;
JsonTokens::~JsonTokens() = default;

bool JsonTokens::index(std::string_view event) {
  text_ = event;
  size_ = 0;
  top_.clear();
  complete_ = false;
  ended_ = true;
  if (event.empty() || event.size() > largest_ || !indexer_->reserve(event.size(), largest_)) return false;
  auto& parser = *indexer_->parser;
  if (parser.stage1(reinterpret_cast<const std::uint8_t*>(event.data()), event.size(),
                    simdjson::stage1_mode::regular) != simdjson::SUCCESS)
    return false;
  places_ = parser.structural_indexes.get();
  size_ = parser.n_structural_indexes;
  // An outermost bracket that is not closed: what was sent is a part of something.
  const char first = kind(0), last = kind(size_ - 1);
  if ((first == '{' && last != '}') || (first == '[' && last != ']')) size_ = 0;
  ended_ = kind(0) != '{';
  return size_ > 0;
}

Token JsonTokens::skip_nested(Token value) const {
  std::uint32_t depth = 1;
  for (Token at = value + 1; at < size_; ++at) {
    const char c = text_[places_[at]];
    if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return at + 1;
    }
  }
  return size_ + 1;
}

std::string_view JsonTokens::raw(Token value) const {
  const auto behind = skip(value);
  if (behind > size_) return {};
  const char* begin = place(value);
  const char first = *begin;
  if (first == '{' || first == '[') return {begin, place(behind - 1) + 1};
  const char* end = behind < size_ ? place(behind) : text_.data() + text_.size();
  while (end > begin + 1 && space(end[-1])) --end;
  return {begin, end};
}

inline bool JsonTokens::read_member(Token token, Member& found) const {
  if (kind(token) != '"' || kind(token + 1) != ':' || !begins_value(kind(token + 2))) return false;
  const char* begin = place(token);
  const char* end = place(token + 1);
  while (space(end[-1])) --end;
  if (end < begin + 2 || end[-1] != '"') return false;
  found = {token, static_cast<std::uint32_t>(end - begin - 2)};
  return true;
}

std::optional<JsonTokens::Member> JsonTokens::member(Token token) const {
  Member found{};
  return read_member(token, found) ? std::optional(found) : std::nullopt;
}

bool JsonTokens::walk() {
  if (ended_) return false;
  Token next = 1;
  bool more = true;
  if (!top_.empty()) {
    next = skip(top_.back().value());
    more = kind(next) == ',';
    if (more) ++next;
  }
  Member found{};
  if (more && read_member(next, found)) {
    top_.push_back(found);
    return true;
  }
  ended_ = true;
  // A comma before the end is no end.
  complete_ = (!more || top_.empty()) && kind(next) == '}' && next + 1 == size_;
  return false;
}

std::optional<Token> JsonTokens::find(Token object, std::string_view wanted) {
  const auto is = [&](const Member& m) {
    const char* key = place(m.name) + 1;
    // Most names differ in length or their first byte: those need no call.
    return m.key_bytes == wanted.size() &&
           (wanted.empty() || (*key == wanted.front() && std::memcmp(key, wanted.data(), wanted.size()) == 0));
  };
  if (object == 0) {
    for (std::size_t i = 0; const auto* found = top(i); ++i)
      if (is(*found)) return found->value();
    return std::nullopt;
  }
  if (kind(object) != '{') return std::nullopt;
  Member found{};
  for (Token at = object + 1; read_member(at, found); ++at) {
    if (is(found)) return found.value();
    at = skip(found.value());
    if (kind(at) != ',') break;
  }
  return std::nullopt;
}

std::optional<Token> JsonTokens::element(Token array, std::uint32_t index) const {
  if (kind(array) != '[') return std::nullopt;
  Token at = array + 1;
  for (; begins_value(kind(at)); --index) {
    if (index == 0) return at;
    at = skip(at);
    if (kind(at) != ',') break;
    ++at;
  }
  return std::nullopt;
}

}  // namespace weir
