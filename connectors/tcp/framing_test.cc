#include "framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weir::tcp {
namespace {

using testing::ElementsAre;

struct Heard {
  std::vector<std::string> events;
  std::uint64_t too_large = 0, malformed = 0;
  bool broken = false;
  std::string rest;
  bool operator==(const Heard&) const = default;
};

/// Feeds the stream in pieces and keeps the unfinished frame in between, as a connection does.
Heard hear(Framing framing, std::string_view stream, const std::vector<std::size_t>& cuts, std::size_t max = 8) {
  Framer framer(framing, Bytes(max));
  Frames found;
  Heard heard;
  std::size_t at = 0;
  const auto piece = [&](std::size_t end) {
    heard.rest += stream.substr(at, end - at);
    at = end;
    framer.scan(heard.rest, found);
    for (const auto& slot : found.index) heard.events.push_back(heard.rest.substr(slot.offset, slot.length));
    heard.too_large += found.too_large;
    heard.malformed += found.malformed;
    heard.broken = found.broken;
    heard.rest.erase(0, found.consumed);
  };
  for (const auto cut : cuts)
    if (!heard.broken) piece(cut);
  if (!heard.broken) piece(stream.size());
  return heard;
}

std::string frame(std::string_view text) {
  const auto prefix = length_prefix(static_cast<std::uint32_t>(text.size()));
  return std::string(prefix.begin(), prefix.end()).append(text);
}

TEST(Framing, LinesEndWithALineFeedAndLoseACarriageReturn) {
  const auto heard = hear(Framing::newline, "one\r\ntwo\n\n\r\n a\rb \nrest", {});
  EXPECT_THAT(heard.events, ElementsAre("one", "two", " a\rb "));
  EXPECT_EQ(heard.rest, "rest");
}

TEST(Framing, AByteOrderMarkBeforeTheFirstLineIsNoPartOfIt) {
  const std::string stream =
      "\xef\xbb\xbf"
      "12345678\n\xef\xbb\xbfx\n";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut)
    EXPECT_THAT(hear(Framing::newline, stream, {cut}).events, ElementsAre("12345678", "\xef\xbb\xbfx")) << cut;
}

TEST(Framing, BytesOfAnyKindAreALine) {
  const std::string binary("\xff\0\x80{\x1b\0", 6);
  EXPECT_THAT(hear(Framing::newline, binary + "\n", {}).events, ElementsAre(binary));
}

TEST(Framing, ZerosInFrontOfALineAreAHoleAndNeverTooLarge) {
  const std::string hole(100, '\0');
  const std::string stream = hole + "one\n" + hole + "\r\n" + hole + "12345678\r\n" + hole + "123456789\n" + hole;
  const auto whole = hear(Framing::newline, stream, {});
  EXPECT_THAT(whole.events, ElementsAre("one", "12345678"));
  EXPECT_EQ(whole.too_large, 1u);
  EXPECT_EQ(whole.rest, "") << "a hole is not kept";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) EXPECT_EQ(hear(Framing::newline, stream, {cut}), whole) << cut;
}

TEST(Framing, OctetCountingSaysHowLongAnEventIs) {
  const std::string stream = "3 one8 12\n45678";
  const auto whole = hear(Framing::octets, stream + "5 re", {});
  EXPECT_THAT(whole.events, ElementsAre("one", "12\n45678"));
  EXPECT_EQ(whole.rest, "5 re");
  for (std::size_t a = 0; a <= stream.size() + 2; ++a) {
    EXPECT_EQ(hear(Framing::octets, stream + "5 re", {a}), whole) << a;
    for (const std::string_view wrong : {"xx", "0 ", " a", "9x", "123456789 ", "<13>text"}) {
      const auto heard = hear(Framing::octets, stream + std::string(wrong), {a});
      EXPECT_THAT(heard.events, ElementsAre("one", "12\n45678")) << wrong;
      EXPECT_TRUE(heard.broken) << wrong;
      EXPECT_EQ(heard.malformed, 1u) << wrong << " cut at " << a;
    }
  }
  const auto large = hear(Framing::octets, "9 123456789", {});
  EXPECT_TRUE(large.broken);
  EXPECT_EQ(large.too_large, 1u);
}

TEST(Framing, ALineOfExactlyTheLimitIsTakenAndOneMoreIsNot) {
  const auto heard = hear(Framing::newline, "12345678\n12345678\r\n123456789\nnext\n", {});
  EXPECT_THAT(heard.events, ElementsAre("12345678", "12345678", "next"));
  EXPECT_EQ(heard.too_large, 1u);
}

TEST(Framing, ATooLongLineIsSkippedWithoutBeingKept) {
  Framer framer(Framing::newline, 8_B);
  Frames found;
  framer.scan(std::string(100, 'x'), found);
  EXPECT_EQ(found.too_large, 1u);
  EXPECT_EQ(found.consumed, 100u);
  framer.scan(std::string(100, 'x'), found);
  EXPECT_EQ(found.too_large, 0u) << "the same line is counted once";
  EXPECT_EQ(found.consumed, 100u);
  framer.scan("x\nnext\n", found);
  EXPECT_EQ(found.index.size(), 1u);
}

TEST(Framing, LengthsCountBytesAndEmptyFramesAreNoEvents) {
  const auto heard = hear(Framing::length, frame("one") + frame("") + frame("t\nwo") + frame("rest").substr(0, 6), {});
  EXPECT_THAT(heard.events, ElementsAre("one", "t\nwo"));
  EXPECT_EQ(heard.rest, frame("rest").substr(0, 6));
}

TEST(Framing, AHugeLengthBreaksTheStream) {
  const auto heard = hear(Framing::length, frame("one") + "\xff\xff\xff\xff" + frame("two"), {});
  EXPECT_THAT(heard.events, ElementsAre("one"));
  EXPECT_TRUE(heard.broken);
  EXPECT_EQ(heard.too_large, 1u);
  EXPECT_TRUE(hear(Framing::length, "GET / HTTP/1.1\r\n", {}).broken);
}

TEST(Framing, WhereTheStreamIsCutChangesNothing) {
  const std::string lines = "a\r\nbb\n\n12345678\r\n123456789\r\n1234567890123456789\n\r\nlast\nrest\r";
  const std::string lengths = frame("a") + frame("12345678") + frame("") + frame("x\n\r") + frame("12345").substr(0, 7);
  for (const auto& [framing, stream] : {std::pair{Framing::newline, lines}, std::pair{Framing::length, lengths}}) {
    const auto whole = hear(framing, stream, {});
    EXPECT_FALSE(whole.events.empty());
    for (std::size_t a = 0; a <= stream.size(); ++a)
      for (std::size_t b = a; b <= stream.size(); ++b) ASSERT_EQ(hear(framing, stream, {a, b}), whole) << a << ' ' << b;
    std::vector<std::size_t> each;
    for (std::size_t i = 0; i < stream.size(); ++i) each.push_back(i);
    EXPECT_EQ(hear(framing, stream, each), whole);
  }
}

TEST(Framing, ABrokenStreamIsBrokenWhereverItIsCut) {
  const std::string stream = frame("one") + "\x7f\x01\x02\x03tail";
  for (std::size_t a = 0; a <= stream.size(); ++a) {
    const auto heard = hear(Framing::length, stream, {a});
    EXPECT_TRUE(heard.broken);
    EXPECT_THAT(heard.events, ElementsAre("one"));
  }
}

}  // namespace
}  // namespace weir::tcp
