#pragma once
/// One event, read only as far as somebody asks (semantics H4: what is not there, or not JSON, is *missing*).
///
/// The event is indexed once, at the first question (JsonTokens); each path is then walked over that index. Nothing is
/// validated beyond what the walk touches. Of two equal keys the first counts.
///
/// The event must have `block_padding` readable bytes behind it, as every event of a Batch has.
///
/// Thread: one owner. Cost: about 40 ns to index 200 bytes, then 10 to 30 ns a path. Memory: 6 times the largest event
/// asked about, which may be `largest`; a larger one is missing everywhere.
#include <weir/component/expression/json_tokens.h>
#include <weir/component/expression/path.h>

#include <string>
#include <string_view>

namespace weir {

/// What a path leads to.
struct JsonValue {
  enum class Kind : std::uint8_t { missing, null, boolean, number, text, object, array };
  Kind kind = Kind::missing;
  bool flag = false;
  long double number = 0;      ///< wide enough that no 64-bit integer loses a digit on x86-64
  std::string_view text = {};  ///< a text unescaped, a number or boolean as written
  static constexpr JsonTokens::Token nowhere = 0xffff'ffff;
  JsonTokens::Token token = nowhere;  ///< where it stands in its event, if it does
};

/// A number in the grammar of JSON, with all its digits; anything else is missing.
JsonValue parse_json_number(std::string_view text);

class JsonEvent {
 public:
  explicit JsonEvent(Bytes largest = 16_MiB) : tokens_(largest) {}

  /// From now on `at` speaks about this event.
  void look_at(std::string_view event) {
    event_ = event;
    state_ = State::unread;
    ++number_;
  }
  std::string_view event() const { return event_; }
  /// Which event it is, so that what was found in it can be kept until the next.
  std::uint64_t number() const { return number_; }
  /// The text lies in the event, or in `unescaped` when it had escapes.
  JsonValue at(const Path& path, std::string& unescaped);
  /// What the path leads to as it was written; empty: missing.
  std::string_view raw(const Path& path);
  std::string_view raw(const JsonValue& value) const { return tokens_.raw(value.token); }
  /// nullptr: this is not JSON.
  JsonTokens* tokens();

 private:
  JsonTokens::Token find(const Path& path);
  enum class State : std::uint8_t { unread, indexed, not_json };
  JsonTokens tokens_;
  std::string_view event_;
  State state_ = State::not_json;
  std::uint64_t number_ = 0;
};

}  // namespace weir
