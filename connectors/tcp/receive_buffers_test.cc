// That the receive buffer of a sender in full flow grows (net/receive_buffers.h).
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "net/client_for_test.h"
#include "source_for_test.h"

namespace weir::tcp {
namespace {

using net::TestClient;

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
