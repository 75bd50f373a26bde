#include <simdjson.h>
#include <weir/component/batch.h>
#include <weir/component/expression/json_members.h>
#include <weir/component/expression/json_quotes.h>
#include <weir/component/expression/json_scan.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace weir {
namespace {

static_assert(block_padding >= 16, "the scan reads 16 bytes at a time");

std::uint64_t eight(const char* p) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t word = 0;
  std::memcpy(&word, p, 8);
  return word;
}

/// The first `n` of the eight bytes.
std::uint64_t first_of(std::uint64_t word, std::size_t n) {
  return n < 8 ? word & ~(~std::uint64_t{0} << (8 * n)) : word;
}

/// The part that the walk did not reach has to be UTF-8 too.
bool quotes_close(std::string_view text) {
  const char* end = text.data() + text.size();
  for (auto at = text.find_first_of("\"\\"); at != text.npos; at = text.find_first_of("\"\\", at)) {
    const char* behind = text[at] == '"' ? scan::past_string(text.data() + at, end) : nullptr;
    if (!behind) return false;
    at = static_cast<std::size_t>(behind - text.data());
  }
  return true;
}

}  // namespace

std::uint64_t JsonMembers::head_of(std::string_view key) {
  std::uint64_t head = 0;
  std::memcpy(&head, key.data(), std::min<std::size_t>(key.size(), 8));
  return head;
}

JsonMembers::JsonMembers(Bytes largest) : largest_(std::min<std::uint64_t>(largest.count(), 1u << 30)) {}

bool JsonMembers::reserve(std::size_t bytes) {
  if (bytes <= capacity_) return true;
  if (bytes > largest_) return false;
  // Doubled, so that a slow growth of the events does not mean a new allocation for each.
  capacity_ = std::min<std::uint64_t>(std::max<std::uint64_t>(2 * bytes, 1024), largest_);
  members_.reset();
  // The shortest is "":1, and one place more is for the walk to look into.
  members_ = std::make_unique_for_overwrite<Member[]>(capacity_ / 5 + 1);
  quotes_ = std::make_unique_for_overwrite<std::uint64_t[]>(capacity_ / 64 + 1);
  return true;
}

// Nothing is white space up to the end: a bracket stands before it.
template <typename Strings>
[[gnu::always_inline]] inline bool JsonMembers::Walk::read(Member& found, Strings& strings) {
  const char* name = scan::past_space(std::exchange(at_, nullptr));
  if (*name != '"') return false;
  bool escaped = false;
  const char* close = strings.key_end(name, end_, escaped);
  if (!close) return false;
  const char* value = scan::past_space(close + 1);
  if (*value != ':') return false;
  value = scan::past_space(value + 1);
  const char* end = strings.value_end(value, end_);
  if (!end) return false;
  const auto place = [&](const char* p) { return static_cast<std::uint32_t>(p - event_); };
  const auto bytes = static_cast<std::uint32_t>(close - name - 1);
  found = {.head = first_of(eight(name + 1), bytes),
           .name = place(name),
           .key_bytes = bytes,
           .escaped = escaped,
           .value = place(value),
           .end = place(end)};
  if (end == end_) return true;
  end = scan::past_space(end);
  if (*end == ',')
    at_ = end + 1;
  else
    complete_ = *end == '}' && end + 1 == end_;
  return true;
}

template <typename Strings>
std::size_t JsonMembers::walk(Walk& walk, const Strings& of) {
  // Copies that nothing else points to stay in registers; others would be read again after each member is written.
  Walk here = walk;
  Strings strings = of;
  Member* next = members_.get();
  while (here.at_ && here.read(*next, strings)) ++next;
  walk = here;
  return static_cast<std::size_t>(next - members_.get());
}

bool JsonMembers::index(std::string_view event) {
  text_ = event;
  size_ = 0;
  complete_ = false;
  while (!event.empty() && scan::space(event.back())) event.remove_suffix(1);
  if (event.empty() || event.back() != '}' || !reserve(text_.size())) return false;
  event.remove_prefix(static_cast<std::size_t>(scan::past_space(event.data()) - event.data()));
  if (event.front() != '{') return false;
  const auto quotes = scan::find_quotes(event, quotes_.get());
  if (quotes.beyond_ascii() && !simdjson::validate_utf8(event.data(), event.size())) return false;
  Walk walk(text_.data(), event);
  const auto found =
      quotes.odd() ? this->walk(walk, scan::AnyStrings()) : this->walk(walk, scan::PlainStrings(quotes_.get(), event));
  if (!walk.complete() && !quotes_close(event)) return false;
  size_ = found;
  complete_ = walk.complete();
  return true;
}

JsonMembers::Walk::Walk(const char* event, std::string_view object)
    : event_(event), at_(object.data() + 1), end_(object.data() + object.size()) {
  const char* first = scan::past_space(at_);
  if (*first != '}') return;
  complete_ = first + 1 == end_;
  at_ = nullptr;
}

bool JsonMembers::Walk::next(Member& found) {
  scan::AnyStrings strings;
  return at_ && read(found, strings);
}

std::string_view JsonMembers::find_in(std::string_view object, std::string_view key, std::uint64_t head) const {
  if (!object.starts_with('{')) return {};
  Walk walk(*this, object);
  for (Member found; walk.next(found);)
    if (is(found, key, head)) return value(found);
  return {};
}

std::string_view JsonMembers::element(std::string_view array, std::uint32_t index) {
  if (!array.starts_with('[')) return {};
  const char* end = array.data() + array.size();
  const char* begin = scan::past_space(array.data() + 1);
  while (const char* behind = scan::value_end(begin, end)) {
    if (index-- == 0) return {begin, behind};
    if (behind == end || *(behind = scan::past_space(behind)) != ',') break;
    begin = scan::past_space(behind + 1);
  }
  return {};
}

}  // namespace weir
