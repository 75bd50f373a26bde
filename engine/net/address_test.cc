#include "net/address.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "net/held_port.h"

namespace weir::net {
namespace {

using boost::asio::ip::tcp;

TEST(Address, UnderstandsBothKinds) {
  EXPECT_EQ(to_string(*resolve("127.0.0.1:8080")), "127.0.0.1:8080");
  EXPECT_EQ(to_string(*resolve("[::1]:80")), "[::1]:80");
  EXPECT_EQ(to_string(*resolve("localhost:1")), "127.0.0.1:1") << "a name with both kinds becomes its IPv4 address";
}

TEST(Address, TheFamiliesOfANameTakeTurns) {
  const auto at = [](const char* text) { return Endpoint(boost::asio::ip::make_address(text), 1); };
  EXPECT_EQ(by_turns({at("::1"), at("::2"), at("::3"), at("10.0.0.1")}),
            (std::vector{at("::1"), at("10.0.0.1"), at("::2"), at("::3")}));
  EXPECT_EQ(by_turns({at("10.0.0.1"), at("::1"), at("::2")}), (std::vector{at("10.0.0.1"), at("::1"), at("::2")}));
  EXPECT_TRUE(is_literal("[::1]:80"));
  EXPECT_FALSE(is_literal("localhost:80"));
}

TEST(Address, SaysWhatIsWrongAndHowToWriteIt) {
  for (const char* wrong :
       {"8080", "127.0.0.1", ":80", "::1:80", "[::1:80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536"}) {
    const auto result = resolve(wrong);
    ASSERT_FALSE(result) << wrong;
    EXPECT_NE(result.error().message.find("such as 127.0.0.1:8080"), std::string::npos) << result.error().message;
    EXPECT_TRUE(result.error().message.starts_with(wrong)) << result.error().message;
  }
}

TEST(Address, APortInUseIsNoticedEvenIfItsOwnerShares) {
  boost::asio::io_context io(1);
  tcp::acceptor owner(io);
  ASSERT_TRUE(listen_on(owner, *resolve("127.0.0.1:0"), {64_KiB, 64_KiB, true}));
  const Endpoint taken = owner.local_endpoint();
  const auto free = check_free(taken);
  ASSERT_FALSE(free);
  EXPECT_EQ(free.error().message, to_string(taken) + " is in use by another process: choose another `listen`");
  tcp::acceptor second(io);
  EXPECT_TRUE(listen_on(second, taken, {64_KiB, 64_KiB, true})) << "our own reactors share it";
  owner.close();
  second.close();
  EXPECT_TRUE(check_free(taken));
}

TEST(Address, AnAddressOfAnotherMachineIsNamed) {
  const auto free = check_free(*resolve("192.0.2.1:8080"));
  ASSERT_FALSE(free);
  EXPECT_NE(free.error().message.find("not an address of this machine"), std::string::npos) << free.error().message;
}

TEST(HeldPort, IsNobodyElsesUntilItsListenersHaveOpened) {
  boost::asio::io_context io(1);
  auto held = HeldPort::take("127.0.0.1:0");
  ASSERT_TRUE(held) << held.error().message;
  const auto endpoint = resolve(held->address());
  ASSERT_NE(endpoint->port(), 0);
  EXPECT_FALSE(check_free(*endpoint)) << "another process cannot have it";
  EXPECT_FALSE(HeldPort::take(held->address()));
  tcp::socket nobody(io);
  boost::system::error_code error;
  nobody.connect(*endpoint, error);
  EXPECT_EQ(error, boost::asio::error::connection_refused) << "it does not listen";
  tcp::acceptor first(io), second(io);
  EXPECT_TRUE(listen_on(first, *endpoint, {64_KiB, 64_KiB, true}));
  EXPECT_TRUE(listen_on(second, *endpoint, {64_KiB, 64_KiB, true}));
  tcp::socket somebody(io);
  somebody.connect(*endpoint, error);
  EXPECT_FALSE(error) << error.message();
  *held = HeldPort();
  first.close();
  second.close();
  EXPECT_TRUE(check_free(*endpoint));
}

}  // namespace
}  // namespace weir::net
