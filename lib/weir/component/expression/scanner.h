#pragma once
/// The words of an expression: spaces, tokens, texts, numbers. The grammar is in parser.cc.
///
/// Thread: one owner. Cost: once at start.
#include <weir/component/expression/program.h>

#include <string>
#include <string_view>

namespace weir {

/// Thrown by the scanner and the parser, and caught where the parser is entered: a parser that returns errors by hand
/// is twice as long.
struct WrongExpression {
  std::string message;
  std::size_t at;
};

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  std::string_view rest() const { return text_.substr(at_); }
  /// The next byte that is no space; 0 at the end.
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(std::string_view token);
  void need(std::string_view token, std::string_view where);
  /// "lower" of "lower(", leaving both untouched; empty: no call stands here.
  std::string_view call_name();
  Path path();
  Program::Literal literal();
  /// `@file`
  Attribute attribute();
  /// The name of a member: a word, or a text in quotes.
  Program::Literal key();

 private:
  void skip_space();
  JsonValue word();
  JsonValue number();
  std::string text();
  void escape(std::string& out);
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace weir
