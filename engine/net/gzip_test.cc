#include "net/gzip.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include "net/test_gzip.h"

namespace weir::net {
namespace {

/// Feeds `input` in steps and takes out at most `most` at once; "!" when damaged, "?" when incomplete.
std::string inflate_all(std::string_view input, std::size_t step, std::size_t most) {
  GzipReader reader;
  std::string out;
  for (;;) {
    std::string_view piece;
    const auto status = reader.next(most, piece);
    if (status == GzipReader::Status::damaged) return "!";
    if (status == GzipReader::Status::piece) {
      EXPECT_LE(piece.size(), most);
      out += piece;
    } else if (input.empty()) {
      return reader.complete() ? out : "?";
    } else {
      reader.feed(input.substr(0, step));
      input.remove_prefix(std::min(step, input.size()));
    }
  }
}

TEST(Gzip, InflatesWhateverTheStepsAre) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "event " + std::to_string(i) + '\n';
  const std::string packed = test_gzip(text);
  for (std::size_t step : {std::size_t{1}, std::size_t{7}, packed.size()})
    for (std::size_t most : {std::size_t{100}, std::size_t{1} << 20}) EXPECT_EQ(inflate_all(packed, step, most), text);
}

TEST(Gzip, JoinsConcatenatedMembers) {
  EXPECT_EQ(inflate_all(test_gzip("one ") + test_gzip("") + test_gzip("two"), 5, 1000), "one two");
}

TEST(Gzip, KnowsATruncatedBody) {
  const std::string packed = test_gzip("something");
  EXPECT_EQ(inflate_all(packed.substr(0, packed.size() - 1), 100, 100), "?");
  EXPECT_EQ(inflate_all("", 1, 1), "?");
}

TEST(Gzip, RefusesDamage) {
  std::string packed = test_gzip("something");
  packed[packed.size() - 6] ^= 1;  // its checksum
  EXPECT_EQ(inflate_all(packed, 100, 100), "!");
  EXPECT_EQ(inflate_all("not gzip at all", 100, 100), "!");
  EXPECT_EQ(inflate_all(test_gzip("x") + "trailing", 100, 100), "!");
}

TEST(Gzip, CostsNoMoreThanItDeclares) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    (defined(__has_feature) && (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)))
  GTEST_SKIP() << "a sanitizer's allocator does not count for mallinfo2";
#endif
  const std::string packed = test_gzip(std::string(100'000, 'x'));
  const auto before = mallinfo2();
  GzipReader reader;
  reader.feed(packed);
  std::string_view piece;
  ASSERT_EQ(reader.next(1 << 20, piece), GzipReader::Status::piece);
  const auto after = mallinfo2();
  const auto cost = (after.uordblks + after.hblkhd) - (before.uordblks + before.hblkhd);
  RecordProperty("bytes", static_cast<int>(cost));
  EXPECT_GT(cost, 40'000u);
  EXPECT_LE(cost, gzip_footprint.count());
}

}  // namespace
}  // namespace weir::net
