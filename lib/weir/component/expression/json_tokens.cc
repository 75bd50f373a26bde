#include <simdjson.h>
#include <weir/component/batch.h>
#include <weir/component/expression/json_tokens.h>

#include <algorithm>
#include <bit>
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
  if (token + 2 >= size_) return false;
  const char* begin = text_.data() + places_[token];
  const char* end = text_.data() + places_[token + 1];
  if (*begin != '"' || *end != ':' || !begins_value(text_[places_[token + 2]])) return false;
  while (space(end[-1])) --end;
  if (end < begin + 2 || end[-1] != '"') return false;
  const auto bytes = static_cast<std::uint32_t>(end - begin - 2);
  // Read with the padding behind the event, and masked.
  std::uint64_t head = 0;
  std::memcpy(&head, begin + 1, 8);
  if (bytes < 8) head &= ~(~std::uint64_t{0} << (8 * bytes));
  found = {token, bytes, head};
  return true;
}

std::uint64_t JsonTokens::head_of(std::string_view key) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t head = 0;
  std::memcpy(&head, key.data(), std::min<std::size_t>(key.size(), 8));
  return head;
}

inline bool JsonTokens::is(const Member& member, std::string_view key, std::uint64_t head) const {
  return member.head == head && member.key_bytes == key.size() &&
         (key.size() <= 8 || std::memcmp(place(member.name) + 9, key.data() + 8, key.size() - 8) == 0);
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
  // Read where it stays: a copy of what was stored in pieces a moment ago waits for all of them.
  if (more && read_member(next, top_.emplace_back())) return true;
  if (more) top_.pop_back();
  ended_ = true;
  // A comma before the end is no end.
  complete_ = (!more || top_.empty()) && kind(next) == '}' && next + 1 == size_;
  return false;
}

std::optional<Token> JsonTokens::find(Token object, std::string_view key, std::uint64_t head) {
  if (object == 0) {
    for (std::size_t i = 0; const auto* found = top(i); ++i)
      if (is(*found, key, head)) return found->value();
    return std::nullopt;
  }
  if (kind(object) != '{') return std::nullopt;
  Member found{};
  for (Token at = object + 1; read_member(at, found); ++at) {
    if (is(found, key, head)) return found.value();
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
