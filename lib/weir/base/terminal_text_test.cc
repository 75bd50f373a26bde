#include <gtest/gtest.h>
#include <weir/base/json_text.h>
#include <weir/base/rng.h>
#include <weir/base/terminal_text.h>

namespace weir {
namespace {

using namespace std::string_view_literals;

TEST(TerminalText, LeavesOrdinaryTextAsItIs) {
  EXPECT_EQ(terminal_text(""), "");
  EXPECT_EQ(terminal_text("{\"a\": \"b\\n\"}\tok"), "{\"a\": \"b\\n\"}\tok");
  EXPECT_EQ(terminal_text("Grüße, 你好, 👩‍🚀, नमस्ते"),
            "Grüße, 你好, 👩‍🚀, नमस्ते");
}

TEST(TerminalText, ShowsControlCharactersInsteadOfSendingThem) {
  EXPECT_EQ(terminal_text("\x1b[2J\x1b]0;title\x07"), "\\x1b[2J\\x1b]0;title\\x07");
  EXPECT_EQ(terminal_text("one\r\ntwo\0three\x7f"sv), "one\\r\\ntwo\\x00three\\x7f");
  EXPECT_EQ(terminal_text("\u009b31m and \u0085"), "\\u{9b}31m and \\u{85}");
}

TEST(TerminalText, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(terminal_text("\x9b"
                          "2J\xff"),
            "\\x9b2J\\xff");
  EXPECT_EQ(terminal_text("cut \xe4\xbd"), "cut \\xe4\\xbd");
  EXPECT_EQ(terminal_text("overlong \xc0\x9b"), "overlong \\xc0\\x9b");
}

TEST(TerminalText, ShowsWhatTurnsOrHidesText) {
  EXPECT_EQ(terminal_text("admin\u202etxt.exe\u202c"), "admin\\u{202e}txt.exe\\u{202c}");
  EXPECT_EQ(terminal_text("\u2066a\u2069\u200f\u061c"), "\\u{2066}a\\u{2069}\\u{200f}\\u{61c}");
  EXPECT_EQ(terminal_text("a\u200bb\ufeff\u2028\U000e0041"), "a\\u{200b}b\\u{feff}\\u{2028}\\u{e0041}");
}

TEST(TerminalText, NeverLetsThroughWhatATerminalObeysWhateverComesIn) {
  Rng rng(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i) text += static_cast<char>(rng.below(256));
    const auto shown = terminal_text(text);
    ASSERT_TRUE(is_utf8(shown));
    for (const char c : shown) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\t');
    for (std::size_t i = 0; i + 1 < shown.size(); ++i)
      ASSERT_FALSE(shown[i] == '\xc2' && static_cast<unsigned char>(shown[i + 1]) < 0xa0);
  }
}

}  // namespace
}  // namespace weir
