// Where the numbers of connection_footprint come from: what connections cost this process, measured.
#include <malloc.h>

#include <optional>
#include <vector>

#include "net/server_for_test.h"

namespace weir::net {
namespace {

std::size_t allocated() {
  const auto now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

TEST(HttpMemory, AnIdleConnectionHoldsNoBuffer) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "a sanitizer's allocator does not count for mallinfo2";
#endif
#endif
  constexpr std::size_t count = 200;
  TestServer server(echo);
  std::vector<std::optional<TestClient>> clients(count + 1);  // made before, since they are not what is measured
  const std::string request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 30000\r\n\r\n" + std::string(30'000, 'x');
  const auto connect = [&](std::optional<TestClient>& client) {
    client.emplace(server);
    client->send(request);
    client->answer();
  };
  connect(clients[count]);  // fills the server's pools
  server.until([](HttpServer& s) { return s.quiet(); });
  const auto before = server.on_reactor(allocated);
  for (std::size_t i = 0; i < count; ++i) connect(clients[i]);
  server.until([](HttpServer& s) { return s.stats().idle == count + 1; });
  for (auto& client : clients) client->forget();
  const auto each = (server.on_reactor(allocated) - before) / count;
  RecordProperty("bytes_per_idle_connection", static_cast<int>(each));
  EXPECT_LT(each, 4096u) << "half of the 8 KiB declared; the rest is the kernel's";
}

TEST(HttpMemory, TheDeclaredFootprintCountsKernelBuffersTwice) {
  const ServerConfig config;
  const Footprint plain = connection_footprint(config);
  EXPECT_EQ(plain.per_unit, 256_KiB + 32_KiB + 8_KiB);
  EXPECT_EQ(plain.max_units, 1024u);
  EXPECT_EQ(connection_footprint(config, true).per_unit, plain.per_unit + 64_KiB);
}

}  // namespace
}  // namespace weir::net
