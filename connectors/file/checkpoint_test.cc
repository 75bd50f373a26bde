#include "checkpoint.h"

#include <gtest/gtest.h>

#include "input_lines.h"

namespace weir::file {
namespace {

TEST(Checkpoint, IsReadAsItWasWritten) {
  const std::vector<FilePosition> places{{{1, 2, 3, 4}, 5, 6}, {{UINT64_MAX, 7, 8, 1024}, 9, UINT64_MAX}};
  EXPECT_EQ(decode(encode(places)), places);
  EXPECT_EQ(decode(encode({})), std::vector<FilePosition>{});
}

TEST(Checkpoint, OfTheFirstVersionIsReadWithoutTails) {
  const std::string_view text = "weir checkpoint 1\n1 2 4 3 5\n";
  const auto whole = std::string(text) + "end " + std::to_string(hash_on(hash_start, text)) + "\n";
  EXPECT_EQ(decode(whole), (std::vector<FilePosition>{{{1, 2, 3, 4}, 5, 0}}));
}

TEST(Checkpoint, IsRefusedWhenAnyByteOfItIsNotAsWritten) {
  const auto text = encode({{{1, 2, 3, 4}, 5}});
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto damaged = text;
    damaged[i] ^= 1;
    EXPECT_FALSE(decode(damaged)) << i;
    EXPECT_FALSE(decode(text.substr(0, i))) << i;
  }
}

TEST(InputLines, AreToldApartAtTheirEnds) {
  std::vector<Batch::Slot> index;
  const auto find = [&](std::string_view text, bool last, std::size_t max = 5, std::size_t most = 10) {
    return find_lines(text, last, max, most, index);
  };
  EXPECT_EQ(find("ab\n\nc\nd", false).used, 6u);
  EXPECT_EQ(index.size(), 2u);
  EXPECT_EQ(find("ab\n\nc\nd", true).used, 7u);
  EXPECT_EQ(index.size(), 3u);
  EXPECT_EQ(find("a\nb\nc\n", false, 5, 2).used, 4u);
  EXPECT_TRUE(find("123456", false).too_large);
  EXPECT_TRUE(find("123456\n", false).too_large);
  EXPECT_FALSE(find("1\n123456", false).too_large);
  EXPECT_EQ(find("1\n123456", false).used, 2u);
  EXPECT_EQ(find("12345", false).used, 0u);
}

}  // namespace
}  // namespace weir::file
