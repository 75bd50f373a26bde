#include <weir/base/rng.h>
#include <weir/flow/demand/credit.h>

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

constexpr Load most = CreditWindow::http2_most;

TEST(Credit, IsSpentAtBothLevelsOrAtNeither) {
  CreditWindow stream({2, 100_B}), connection({10, 60_B});
  EXPECT_FALSE(try_spend(stream, connection, {1, 61_B}));
  EXPECT_EQ(stream.bytes(), 100);
  EXPECT_EQ(connection.bytes(), 60);
  EXPECT_TRUE(try_spend(stream, connection, {1, 60_B}));
  EXPECT_EQ(stream.bytes(), 40);
  EXPECT_EQ(connection.bytes(), 0);
  EXPECT_EQ(stream.messages(), 1);
  EXPECT_EQ(connection.messages(), 9);
}

TEST(Credit, RunsOutInMessagesBeforeBytes) {
  CreditWindow stream({1, 100_B}), connection({10, 100_B});
  EXPECT_TRUE(try_spend(stream, connection, {1, 1_B}));
  EXPECT_FALSE(try_spend(stream, connection, {1, 1_B}));
  EXPECT_TRUE(try_spend(stream, connection, {0, 1_B})) << "later pieces of a message cost bytes only";
}

TEST(Credit, OneSlowStreamLeavesTheOthersTheirCredit) {
  CreditWindow connection({100, 1000_B}), slow({10, 100_B}), quick({10, 100_B});
  while (try_spend(slow, connection, {1, 10_B})) {
  }
  EXPECT_FALSE(slow.covers({1, 10_B}));
  EXPECT_TRUE(try_spend(quick, connection, {1, 10_B}));
}

TEST(Credit, ManyStreamsTogetherStayWithinTheConnection) {
  CreditWindow connection({1000, 50_B});
  int sent = 0;
  for (int i = 0; i < 100; ++i) {
    CreditWindow stream({1, 10_B});
    sent += try_spend(stream, connection, {1, 10_B});
  }
  EXPECT_EQ(sent, 5);
}

TEST(Credit, VectorH2AnEmptyGrantIsAnError) {
  CreditWindow w({1, 1_B});
  EXPECT_EQ(w.grant({0, 0_B}), std::unexpected(CreditError::empty_grant));
  EXPECT_TRUE(w.grant({0, 1_B}));
  EXPECT_TRUE(w.grant({1, 0_B}));
}

TEST(Credit, VectorH2AWindowAboveTheLargestIsAnErrorAndChangesNothing) {
  CreditWindow w({0, 1_B});
  EXPECT_EQ(w.grant({5, most.bytes}), std::unexpected(CreditError::overflow));
  EXPECT_EQ(w.bytes(), 1);
  EXPECT_EQ(w.messages(), 0);
  EXPECT_TRUE(w.grant({0, most.bytes - 1_B}));
  EXPECT_EQ(w.bytes(), (1ll << 31) - 1);
  EXPECT_EQ(w.grant({0, 1_B}), std::unexpected(CreditError::overflow));
  EXPECT_EQ(w.grant({0, Bytes(~0ull)}), std::unexpected(CreditError::overflow));
}

TEST(Credit, VectorH2AnInitialWindowOfOneByteSendsByteByByte) {
  CreditWindow stream({1, 1_B}), connection({1, 65535_B});
  Bytes left = 5_B;
  std::uint64_t message = 1;
  int sends = 0;
  while (left > 0_B) {
    const auto piece = sendable(stream, connection, left);
    ASSERT_EQ(piece, 1_B);
    ASSERT_TRUE(try_spend(stream, connection, {message, piece}));
    EXPECT_EQ(sendable(stream, connection, left), 0_B);
    ASSERT_TRUE(stream.grant({0, 1_B}));
    left -= piece;
    message = 0;
    ++sends;
  }
  EXPECT_EQ(sends, 5);
  EXPECT_EQ(connection.bytes(), 65530);
}

TEST(Credit, VectorH2AResizeRebasesOpenStreamsAndMayGoNegative) {
  CreditWindow stream({100, 65535_B}), connection(most);
  ASSERT_TRUE(try_spend(stream, connection, {1, 60'000_B}));
  ASSERT_TRUE(stream.resize({100, 16'384_B}));
  EXPECT_EQ(stream.bytes(), -43'616);
  EXPECT_EQ(stream.available().bytes, 0_B);
  EXPECT_EQ(sendable(stream, connection, 1_B), 0_B);
  EXPECT_FALSE(try_spend(stream, connection, {1, 1_B}));
  ASSERT_TRUE(stream.grant({0, 43'616_B}));
  EXPECT_FALSE(try_spend(stream, connection, {1, 1_B}));
  ASSERT_TRUE(stream.grant({0, 1_B}));
  EXPECT_TRUE(try_spend(stream, connection, {1, 1_B}));
}

TEST(Credit, AResizeBackRestoresTheWindow) {
  CreditWindow w({10, 100_B});
  ASSERT_TRUE(w.resize({0, 0_B}));
  EXPECT_EQ(w.messages(), 0);
  ASSERT_TRUE(w.resize({10, 100_B}));
  EXPECT_EQ(w.bytes(), 100);
}

TEST(Credit, AResizeThatOverflowsChangesNothing) {
  CreditWindow w({1, 10_B});
  ASSERT_TRUE(w.grant({0, most.bytes - 10_B}));
  EXPECT_EQ(w.resize({1, 11_B}), std::unexpected(CreditError::overflow));
  EXPECT_EQ(w.resize({1, most.bytes + 1_B}), std::unexpected(CreditError::overflow));
  EXPECT_TRUE(w.resize({1, 9_B}));
}

TEST(Credit, NeverLetsMoreThroughThanWasGranted) {
  Rng rng(6);
  CreditWindow stream({5, 500_B}), connection({8, 600_B});
  std::uint64_t sent = 0, stream_granted = 500, connection_granted = 600;
  for (int i = 0; i < 10'000; ++i) {
    const Bytes n(rng.below(100));
    if (try_spend(stream, connection, {rng.below(2), n})) sent += n.count();
    const Load more{rng.below(2), Bytes(rng.below(40) + 1)};
    if (rng.below(2)) {
      if (stream.grant(more)) stream_granted += more.bytes.count();
    } else if (connection.grant(more)) {
      connection_granted += more.bytes.count();
    }
    ASSERT_LE(sent, stream_granted);
    ASSERT_LE(sent, connection_granted);
    ASSERT_GE(stream.bytes(), 0);
    ASSERT_EQ(connection.bytes(), static_cast<std::int64_t>(connection_granted - sent));
  }
}

}  // namespace
}  // namespace weir::flow
