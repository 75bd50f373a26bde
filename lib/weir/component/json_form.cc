#include <weir/component/json_form.h>

#include <string>

namespace weir {
namespace {

class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  JsonForm form() {
    while (true) {
      skip_blanks();
      if (at_ >= text_.size()) return whole_ ? JsonForm::whole : JsonForm::unfinished;
      if (whole_) return JsonForm::none;
      if (!step()) return cut_ ? JsonForm::unfinished : JsonForm::none;
    }
  }

 private:
  enum class Next : std::uint8_t { value, value_or_end, key, key_or_end, colon, comma_or_end };

  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
  }

  /// False: the text ends within a token (cut_), or can become no JSON.
  bool step() {
    const char c = text_[at_];
    switch (next_) {
      case Next::colon: return c == ':' && take(Next::value);
      case Next::comma_or_end:
        if (c == ',') return take(open_.back() == '{' ? Next::key : Next::value);
        return close(c);
      case Next::key_or_end:
        if (c == '}') return close(c);
        [[fallthrough]];
      case Next::key: return c == '"' && string() && become(Next::colon);
      case Next::value_or_end:
        if (c == ']') return close(c);
        [[fallthrough]];
      case Next::value: return value(c);
    }
    return false;
  }

  bool take(Next next) {
    ++at_;
    return become(next);
  }
  bool become(Next next) {
    next_ = next;
    return true;
  }
  bool after_value() {
    whole_ = open_.empty();
    return become(Next::comma_or_end);
  }

  bool close(char c) {
    if (c != (open_.back() == '{' ? '}' : ']')) return false;
    open_.pop_back();
    ++at_;
    return after_value();
  }

  bool value(char c) {
    if (c == '{' || c == '[') {
      open_ += c;
      return take(c == '{' ? Next::key_or_end : Next::value_or_end);
    }
    if (c == '"') return string() && after_value();
    for (const std::string_view word : {"true", "false", "null"})
      if (c == word.front()) return literal(word) && after_value();
    return number() && after_value();
  }

  bool string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    cut_ = true;
    return false;
  }

  /// `at_` is on the backslash, and then on the last character that belongs to it.
  bool escape() {
    if (++at_ >= text_.size()) return true;  // the string does not end: its loop says so
    if (text_[at_] != 'u') return std::string_view("\"\\/bfnrt").contains(text_[at_]);
    for (int i = 0; i < 4; ++i)
      if (++at_ < text_.size() && !std::string_view("0123456789abcdefABCDEF").contains(text_[at_])) return false;
    return true;
  }

  bool literal(std::string_view word) {
    const auto rest = text_.substr(at_, word.size());
    cut_ = rest.size() < word.size() && word.starts_with(rest);
    at_ += rest.size();
    return rest == word;
  }

  bool digits() {
    const auto begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > begin;
  }
  bool next_is(std::string_view any) const { return at_ < text_.size() && any.contains(text_[at_]); }

  /// A number that is the last of the text may be whole, with more to follow.
  bool number() {
    const auto fails = [&] {
      cut_ = at_ >= text_.size();
      return false;
    };
    if (next_is("-")) ++at_;
    if (next_is("0"))
      ++at_;
    else if (!digits())
      return fails();
    if (next_is(".") && (++at_, !digits())) return fails();
    if (!next_is("eE")) return true;
    ++at_;
    if (next_is("+-")) ++at_;
    return digits() || fails();
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string open_;
  Next next_ = Next::value;
  bool whole_ = false, cut_ = false;
};

}  // namespace

JsonForm json_form_of(std::string_view text) { return Scan(text).form(); }

}  // namespace weir
