// Whose receive buffer grows, out of what, and when it is given back.
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "net/client_for_test.h"
#include "receive_buffers.h"
#include "source_for_test.h"

namespace weir::tcp {
namespace {

using net::TestClient;

TEST(ReceiveBuffers, DoubleForWhoeverFillsThemUpToTheLargest) {
  ReceiveBuffers buffers(16_KiB, 64_KiB, 1_MiB);
  ReceiveBuffers::Size size = buffers.least();
  EXPECT_FALSE(buffers.after_read(size, 8191, 32768)) << "less than half of it";
  EXPECT_TRUE(buffers.after_read(size, 8192, 32768));
  EXPECT_EQ(size, 32_KiB);
  EXPECT_TRUE(buffers.after_read(size, 4096, 4096)) << "there may be more behind what was asked for";
  EXPECT_EQ(size, 64_KiB);
  EXPECT_FALSE(buffers.after_read(size, 32768, 32768));
  EXPECT_EQ(buffers.in_use(), 96_KiB) << "the kernel doubles";
}

TEST(ReceiveBuffers, GrowNoFurtherThanThePoolAndShareWhatComesBack) {
  ReceiveBuffers buffers(16_KiB, 64_KiB, 64_KiB);
  ReceiveBuffers::Size one = buffers.least(), other = buffers.least();
  EXPECT_TRUE(buffers.after_read(one, 32768, 32768));
  EXPECT_FALSE(buffers.after_read(one, 32768, 32768)) << "64 KiB more were needed, 32 are there";
  EXPECT_TRUE(buffers.after_read(other, 32768, 32768));
  EXPECT_FALSE(buffers.after_read(other, 32768, 32768));
  EXPECT_TRUE(buffers.give_back(one));
  EXPECT_FALSE(buffers.give_back(one)) << "once";
  EXPECT_EQ(one, 16_KiB);
  EXPECT_EQ(buffers.in_use(), 32_KiB);
  EXPECT_TRUE(buffers.give_back(other));
  EXPECT_EQ(buffers.in_use(), 0_B);
}

TEST(ReceiveBuffers, StayAsTheyAreWhereTheLargestIsSmall) {
  ReceiveBuffers buffers(16_KiB, 8_KiB, 1_MiB);
  ReceiveBuffers::Size size = buffers.least();
  EXPECT_EQ(size, 8_KiB);
  EXPECT_FALSE(buffers.after_read(size, 8192, 8192));
}

/// What the source's kernel holds of a sender that sends as much as it can.
std::size_t taken(TestClient& peer, std::size_t& sent) {
  sent += peer.send_now(std::string(256 << 10, 'x'));
  int unsent = 0;
  ioctl(peer.fd(), SIOCOUTQ, &unsent);
  return sent - static_cast<std::size_t>(unsent);
}

TEST(TcpSource, TakesMoreAtOnceOfASenderInFullFlow) {
  Options options = source_options();
  options.set("receive_buffer", 256_KiB);
  options.set("receive_memory", 16_MiB);
  TestSource source(options);
  TestClient peer(source.address());
  const std::string lines = [] {
    std::string text;
    for (int i = 0; i < 2000; ++i) text += std::string(99, 'a') + "\n";
    return text;
  }();
  std::size_t sent = 0, begun = 0;
  ASSERT_TRUE(source.run_until([&] {
    while (sent < 8'000'000) {
      const auto n = peer.send_now(std::string_view(lines).substr(begun));
      if (n == 0) break;
      sent += n;
      begun = (begun + n) % lines.size();
    }
    return sent >= 8'000'000;
  }));
  ASSERT_TRUE(source.run_until([&] { return source.output.events.size() >= sent / 100; }));
  source.output.is_paused = true;
  std::size_t more = 0;
  EXPECT_TRUE(source.run_until([&] { return taken(peer, more) > 200'000; })) << taken(peer, more);
}

}  // namespace
}  // namespace weir::tcp
