#pragma once
/// The members of one JSON event, so that a value can be found, skipped or copied as it was written.
///
///   {"id" : 7, "tags": ["a","b"]}      members: "id" 7, "tags" ["a","b"]
///
/// One walk over the event finds the members of the outermost object, that it is UTF-8, and that its quotes close;
/// nothing else is validated before it is read. An inner object is walked over when something in it is looked up. Where
/// an event breaks off, the members before that place are found.
///
/// Thread: one owner. Cost: about 90 ns for the 8 members of 200 bytes, 160 ns with a backslash in it; no allocation
/// once it has seen its largest event. Memory: 5 times the largest event asked about, which may be `largest`; beyond it
/// there are no members.
#include <weir/base/units.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace weir {

class JsonMembers {
 public:
  /// Places are offsets into the event.
  struct Member {
    std::uint64_t head;            ///< the first eight bytes of its name (head_of)
    std::uint32_t name;            ///< its opening quote
    std::uint32_t key_bytes : 31;  ///< between the quotes, as written
    std::uint32_t escaped : 1;     ///< there is a backslash among them
    std::uint32_t value, end;      ///< [value, end): what it holds, as written
  };

  /// The first eight bytes of a key as one number, zeros behind a shorter one: names that differ do so here or in
  /// their length, mostly, and need no call to be told apart.
  static std::uint64_t head_of(std::string_view key);

  explicit JsonMembers(Bytes largest);

  /// False: this cannot be a JSON object (or is larger than allowed): there are no members.
  bool index(std::string_view event);
  /// Of the outermost object, in order.
  std::span<const Member> all() const { return {members_.get(), size_}; }
  /// The outermost object ended behind them, and with it the event.
  bool complete() const { return complete_; }
  /// The first member of this name; nullptr: there is none.
  const Member* find(std::string_view key, std::uint64_t head) const {
    for (const auto& member : all())
      if (is(member, key, head)) return &member;
    return nullptr;
  }

  const char* at(std::uint32_t place) const { return text_.data() + place; }
  std::string_view key(const Member& member) const { return {at(member.name) + 1, member.key_bytes}; }
  std::string_view value(const Member& member) const { return {at(member.value), at(member.end)}; }

  /// One member after another of an object inside the event, given as written.
  class Walk {
   public:
    Walk(const JsonMembers& of, std::string_view object) : Walk(of.text_.data(), object) {}
    /// False: there is no other, or what stands there is no member.
    bool next(Member& found);
    /// After next() gave false: the object ended there.
    bool complete() const { return complete_; }

   private:
    friend JsonMembers;
    Walk(const char* event, std::string_view object);
    template <typename Strings>
    bool read(Member& found, Strings& strings);
    const char *event_, *at_, *end_;
    bool complete_ = false;
  };

  /// What stands inside the object or array, as written; empty: nothing does.
  std::string_view find_in(std::string_view object, std::string_view key, std::uint64_t head) const;
  static std::string_view element(std::string_view array, std::uint32_t index);

 private:
  bool is(const Member& member, std::string_view key, std::uint64_t head) const {
    return member.head == head && member.key_bytes == key.size() && (key.size() <= 8 || this->key(member) == key);
  }
  bool reserve(std::size_t bytes);
  template <typename Strings>
  std::size_t walk(Walk& walk, const Strings& of);
  std::string_view text_;
  std::unique_ptr<Member[]> members_;
  std::unique_ptr<std::uint64_t[]> quotes_;  // a bit for each byte of the event, one for each quote
  std::size_t size_ = 0, capacity_ = 0;
  std::uint64_t largest_;
  bool complete_ = false;
};

}  // namespace weir
