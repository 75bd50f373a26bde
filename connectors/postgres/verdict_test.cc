#include "verdict.h"

#include <gtest/gtest.h>

namespace weir::postgres {
namespace {

TEST(Verdict, WaitsForWhatMayPass) {
  for (const char* state : {"", "08006", "53300", "53100", "57P01", "57P03", "57014", "40001", "40P01", "55P03",
                            "25006", "28P01", "3D000", "XX000", "58030", "ZZ999"})
    EXPECT_EQ(judge(state), Verdict::again) << state;
}

TEST(Verdict, LooksForTheRowThatIsWrong) {
  for (const char* state : {"22001", "22003", "22P02", "22P05", "23502", "23505", "23514"})
    EXPECT_EQ(judge(state), Verdict::rows) << state;
}

TEST(Verdict, AsksWhetherItIsTheTableOrTheRow) {
  for (const char* state : {"42P01", "42703", "42501", "42804", "P0001", "54000", "44000", "21000"})
    EXPECT_EQ(judge(state), Verdict::unclear) << state;
}

TEST(Verdict, NamesWhatHoldsTheRowsUpWhereTheServerSaysIt) {
  EXPECT_EQ(reason_of("53100"), Reason::disk_full);
  EXPECT_EQ(reason_of("55P03"), Reason::destination_locked);
  for (const char* state : {"", "08006", "53300", "57P01"}) EXPECT_FALSE(reason_of(state)) << state;
}

TEST(Verdict, EndsTheStartOnlyForWhatStays) {
  for (const char* state : {"28P01", "28000", "3D000", "3F000", "42P01", "42703", "42804", "42P10", "42501"})
    EXPECT_TRUE(is_final_at_start(state)) << state;
  for (const char* state : {"", "53300", "57P03", "57014", "08006", "25006"})
    EXPECT_FALSE(is_final_at_start(state)) << state;
}

}  // namespace
}  // namespace weir::postgres
