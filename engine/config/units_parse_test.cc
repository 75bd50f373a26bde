#include "config/units_parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::config {
namespace {

using namespace std::chrono_literals;

TEST(Units, ReadSizes) {
  EXPECT_EQ(parse_size("64MiB"), 64_MiB);
  EXPECT_EQ(parse_size("1.5GiB"), 1536_MiB);
  EXPECT_EQ(parse_size("2KB"), 2000_B);
  EXPECT_EQ(parse_size("0B"), 0_B);
  EXPECT_EQ(parse_size("1000000GB"), Bytes(1'000'000'000'000'000));
}

TEST(Units, ReadDurations) {
  EXPECT_EQ(parse_duration("200ms"), Duration(200ms));
  EXPECT_EQ(parse_duration("1.5s"), Duration(1500ms));
  EXPECT_EQ(parse_duration("2m"), Duration(2min));
  EXPECT_EQ(parse_duration("7d"), Duration(168h));
  EXPECT_EQ(parse_duration("10us"), Duration(10us));
}

TEST(Units, ReadRatesRatiosCountsAndBooleans) {
  EXPECT_DOUBLE_EQ(parse_rate("1000/s")->value, 1000);
  EXPECT_DOUBLE_EQ(parse_rate("5/min")->value, 5.0 / 60);
  EXPECT_DOUBLE_EQ(parse_rate("36/h")->value, 0.01);
  EXPECT_DOUBLE_EQ(*parse_ratio("80%"), 0.8);
  EXPECT_DOUBLE_EQ(*parse_ratio("0.25"), 0.25);
  EXPECT_EQ(parse_count("512"), 512u);
  EXPECT_EQ(parse_bool("false"), false);
}

TEST(Units, RefuseWhatIsNotExactlyThat) {
  for (const char* text : {"", " 1MiB", "1 MiB", "1MiB ", "-1MiB", "+1MiB", "1e3MiB", "MiB", "1mib", "1.MiB", ".5MiB",
                           "0x1MiB", "9999999999999999MiB", "2000000GiB"})
    EXPECT_FALSE(parse_size(text)) << text;
  for (const char* text : {"", "1", "1 s", "-1s", "1sec", "4000d", "1.2.3s"})
    EXPECT_FALSE(parse_duration(text)) << text;
  for (const char* text : {"", "1", "1/d", "/s", "-1/s"}) EXPECT_FALSE(parse_rate(text)) << text;
  for (const char* text : {"", "101%", "1.1", "-1%", "80 %", "1000"}) EXPECT_FALSE(parse_ratio(text)) << text;
  for (const char* text : {"", "-1", "1.0", "1_000", "0x10", "1000000000001", "99999999999999999999999"})
    EXPECT_FALSE(parse_count(text)) << text;
  for (const char* text : {"", "yes", "True", "1"}) EXPECT_FALSE(parse_bool(text)) << text;
}

TEST(Units, SayWhatWasExpected) {
  EXPECT_EQ(parse_size("512").error(), "'512' has no unit: write 512MiB or 512KB");
  EXPECT_EQ(parse_size("5 parsecs").error(),
            "'5 parsecs' is not a size: write a number and B, KiB, MiB, GiB, KB, MB or GB, as in 64MiB");
  EXPECT_EQ(parse_size("2000000GiB").error(), "'2000000GiB' is too large for a size");
  EXPECT_EQ(parse_duration("5").error(), "'5' has no unit: write 5s or 5ms");
  EXPECT_EQ(parse_duration("5min").error(),
            "'5min' is not a duration: write a number and ns, us, ms, s, m, h or d, as in 200ms");
  EXPECT_EQ(parse_rate("9").error(), "'9' has no unit: write 9/s or 9/min");
  EXPECT_EQ(parse_ratio("20").error(), "'20' is above 1: write 20%");
}

TEST(Units, AreWrittenAsTheyAreRead) {
  for (const char* text : {"1GiB", "1536MiB", "64KB", "1B", "0B", "3KiB"}) EXPECT_EQ(to_text(*parse_size(text)), text);
  for (const char* text : {"1500ms", "1m", "90s", "7d", "36h", "1ns"}) EXPECT_EQ(to_text(*parse_duration(text)), text);
  for (const char* text : {"1000/s", "5/min", "7/h"}) EXPECT_EQ(to_text(*parse_rate(text)), text);
  EXPECT_DOUBLE_EQ(parse_rate(to_text(PerSecond{0.123456}))->value, 0.123456);
  EXPECT_EQ(to_text_ratio(0.8), "80%");
  EXPECT_DOUBLE_EQ(*parse_ratio(to_text_ratio(0.123456789)), 0.123456789);
}

TEST(Units, KeepTheNumberAndTheTimeOfAQuotaApart) {
  EXPECT_EQ(*parse_quota("5000/s"), (Quota{5000, 1s, false}));
  EXPECT_EQ(*parse_quota("1000/min"), (Quota{1000, 60s, false}));
  EXPECT_EQ(*parse_quota("1.5MiB/s"), (Quota{1'572'864, 1s, true}));
  for (const char* text : {"5000/s", "1000/min", "7/h", "10/d", "10MiB/s", "0/s"})
    EXPECT_EQ(to_text(*parse_quota(text)), text);
  EXPECT_EQ(parse_quota("0.5/s").error(),
            "'0.5/s' is not a whole number: write it for a longer time, as 30/min for 0.5/s");
  for (const char* text : {"", "5", "5000", "/s", "-1/s", "inf/s", "nan/s", "1e9/s", "5/", "5/week", "5/s/s"})
    EXPECT_THAT(parse_quota(text).error(), testing::HasSubstr("is not a number in a time")) << text;
  EXPECT_FALSE(parse_quota("99999999999999/s"));
  EXPECT_FALSE(parse_quota("5potatoes/s"));
}

TEST(Units, AreRoundedForPeople) {
  EXPECT_EQ(human(21_MiB + 512_KiB), "21.5 MiB");
  EXPECT_EQ(human(256_MiB), "256 MiB");
  EXPECT_EQ(human(12_B), "12 B");
  EXPECT_EQ(human(Duration(1500ms)), "1.5 s");
  EXPECT_EQ(human(Duration(90s)), "90 s");
  EXPECT_EQ(human(Duration(2min)), "2 min");
  EXPECT_EQ(human(Duration(0)), "0 s");
  EXPECT_EQ(human_percent(0.825), "82.5 %");
}

}  // namespace
}  // namespace weir::config
