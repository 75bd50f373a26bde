#pragma once
/// One event, parsed only as far as look-ups need it (semantics H4: what is not there, or not JSON, is *missing*).
///
/// Its members are found once, at the first look-up (JsonMembers); each path then begins at one of them. No value is
/// validated before it is read. Of two equal keys the first counts.
///
/// The event must have `block_padding` readable bytes behind it, as every event of a Batch has.
///
/// Thread: one owner. Cost: about 90 ns for the members of 200 bytes (160 with escapes), then 10 to 20 ns a path.
/// Memory: 5 times the largest event asked about, which may be `largest`; a larger one is missing everywhere.
#include <weir/component/expression/json_members.h>
#include <weir/component/expression/path.h>

#include <string>
#include <string_view>

namespace weir {

/// What a path leads to.
struct JsonValue {
  /// opaque: it is there, and nothing can be compared or calculated with it: a number that no double can hold, a text
  /// with half a surrogate pair. It is copied as it was written.
  enum class Kind : std::uint8_t { missing, null, boolean, number, text, object, array, opaque };
  Kind kind = Kind::missing;
  bool flag = false;
  long double number = 0;      ///< wide enough that no 64-bit integer loses a digit on x86-64
  std::string_view text = {};  ///< a text unescaped, a number or boolean as written, opaque as `raw`
  std::string_view raw = {};   ///< as it stands in its event; empty: it was made
};

/// A number in the grammar of JSON, with all its digits; anything else is missing.
JsonValue parse_json_number(std::string_view text);

class JsonEvent {
 public:
  explicit JsonEvent(Bytes largest = 16_MiB) : members_(largest) {}

  /// From now on `at` speaks about this event.
  void look_at(std::string_view event) {
    event_ = event;
    state_ = State::unread;
    ++number_;
  }
  std::string_view event() const { return event_; }
  /// Which event it is, so that what was found in it can be kept until the next.
  std::uint64_t number() const { return number_; }
  /// Fills in what the path leads to. The text lies in the event, or in `unescaped` when it had escapes.
  void read(const Path& path, JsonValue& found, std::string& unescaped);
  JsonValue at(const Path& path, std::string& unescaped) {
    JsonValue found;
    read(path, found, unescaped);
    return found;
  }
  /// nullptr: this is no JSON object.
  const JsonMembers* members();

 private:
  std::string_view find(const Path& path);
  enum class State : std::uint8_t { unread, indexed, none };
  JsonMembers members_;
  std::string_view event_;
  State state_ = State::none;
  std::uint64_t number_ = 0;
};

}  // namespace weir
