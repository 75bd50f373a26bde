#pragma once
/// Where everything in one JSON event begins, so that a value can be found, skipped or copied as it was written.
///
///   {"id" : 7, "tags": ["a","b"]}      tokens: { "id" : 7 , "tags" : [ "a" , "b" ] }
///
/// simdjson finds the tokens of the whole event in one pass (and that it is UTF-8 with its quotes closed); nothing else
/// is validated before somebody walks over it. The members of the outermost object are remembered as the walk passes
/// them, so each is passed once however many are asked for.
///
/// Thread: one owner. Cost: about 40 ns to index 200 bytes, 3 ns a member walked over; no allocation once it has seen
/// its largest event. Memory: 6 times the largest event asked about, which may be `largest`; beyond it there is none.
/// Ref: Langdale, Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28, 2019 (stage 1).
#include <weir/base/units.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weir {

class JsonTokens {
 public:
  using Token = std::uint32_t;
  struct Member {
    Token name;               ///< its value is the token `name + 2`
    std::uint32_t key_bytes;  ///< between the quotes, as written
    std::uint64_t head;       ///< the first eight of them (head_of)
    Token value() const { return name + 2; }
  };

  /// The first eight bytes of a key as one number, zeros behind a shorter one: names that differ do so here or in
  /// their length, mostly, and need no call to be told apart.
  static std::uint64_t head_of(std::string_view key);

  explicit JsonTokens(Bytes largest);
  JsonTokens(JsonTokens&&) noexcept;
  JsonTokens& operator=(JsonTokens&&) noexcept;
  ~JsonTokens();

  /// False: this cannot be JSON (or is larger than allowed): there are no tokens. Token 0 is the outermost value.
  bool index(std::string_view event);
  Token size() const { return size_; }
  /// The first byte of a token; 0 behind the last.
  char kind(Token token) const { return token < size_ ? text_[places_[token]] : '\0'; }
  const char* place(Token token) const { return text_.data() + places_[token]; }

  /// The token behind the value that begins here; beyond size() when its brackets do not close.
  Token skip(Token value) const {
    const char first = kind(value);
    return first != '{' && first != '[' ? value + 1 : skip_nested(value);
  }
  /// The value that begins here, as written; empty when its brackets do not close.
  std::string_view raw(Token value) const;

  /// The member whose name begins at `token`; nothing: what stands there is none.
  std::optional<Member> member(Token token) const;
  /// The value of the first member of this name, as written, of the object that begins here.
  std::optional<Token> find(Token object, std::string_view key) { return find(object, key, head_of(key)); }
  std::optional<Token> find(Token object, std::string_view key, std::uint64_t head);
  std::optional<Token> element(Token array, std::uint32_t index) const;

  /// The i-th member of the outermost object, in order; nullptr: there is none, or what stands there is no member.
  const Member* top(std::size_t i) {
    while (i >= top_.size())
      if (!walk()) return nullptr;
    return &top_[i];
  }
  /// All that top() would give.
  std::span<const Member> members() {
    while (walk()) {
    }
    return top_;
  }
  /// After top() gave nullptr: the object ended there, and with it the event.
  bool complete() const { return complete_; }
  std::string_view key(const Member& member) const { return {place(member.name) + 1, member.key_bytes}; }

 private:
  struct Indexer;
  Token skip_nested(Token value) const;
  bool read_member(Token token, Member& found) const;
  bool walk();
  bool is(const Member& member, std::string_view key, std::uint64_t head) const;
  std::string_view text_;
  const std::uint32_t* places_ = nullptr;
  Token size_ = 0;
  bool complete_ = false, ended_ = true;
  std::vector<Member> top_;
  std::uint64_t largest_;
  std::unique_ptr<Indexer> indexer_;
};

}  // namespace weir
