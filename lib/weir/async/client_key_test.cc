#include <weir/async/client_key.h>

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace weir::async {
namespace {

constexpr KeyHash secret{1, 2};

struct Someone final : Caller {
  std::string key, where, address, subject;
  std::string_view header(std::string_view name) const override {
    return name == "X-Api-Key" ? std::string_view(key) : std::string_view();
  }
  std::string_view path() const override { return where; }
  std::string peer() const override { return address; }
  std::string tls_subject() const override { return subject; }
};

std::uint64_t of_key(const std::string& value, const KeyHash& with = secret) {
  Someone someone;
  someone.key = value;
  return hash_of({.of = ClientKey::Of::header, .header = "X-Api-Key"}, &someone, with);
}

bool together(const std::string& a, const std::string& b, int ipv4_bits = 32, int ipv6_bits = 64) {
  const ClientKey key{.of = ClientKey::Of::peer, .ipv4_bits = ipv4_bits, .ipv6_bits = ipv6_bits};
  Someone first, second;
  first.address = a;
  second.address = b;
  return hash_of(key, &first, secret) == hash_of(key, &second, secret);
}

TEST(ClientKey, TellsClientsApartByTheHeaderAndHashesItWithTheSecret) {
  EXPECT_EQ(of_key("a"), of_key("a"));
  EXPECT_NE(of_key("a"), of_key("b"));
  EXPECT_NE(of_key("a"), of_key("a", {1, 3}));
}

TEST(ClientKey, OfAllWhoSendNoSuchHeaderIsOneKey) {
  EXPECT_EQ(of_key(""), of_key(""));
  EXPECT_EQ(of_key(""), hash_of({.of = ClientKey::Of::header, .header = "X-Api-Key"}, nullptr, secret));
}

TEST(ClientKey, TakesAddressesOfOneNetworkTogether) {
  EXPECT_TRUE(together("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(together("10.1.2.3", "10.1.2.4"));
  EXPECT_TRUE(together("10.1.2.3", "10.1.2.250", 24));
  EXPECT_FALSE(together("10.1.2.3", "10.1.3.3", 24));
  EXPECT_TRUE(together("10.1.2.3", "10.1.2.66", 25));
  EXPECT_FALSE(together("10.1.2.3", "10.1.2.130", 25));
  EXPECT_TRUE(together("2001:db8::1", "2001:db8::ffff"));
  EXPECT_FALSE(together("2001:db8::1", "2001:db8:0:1::1"));
  EXPECT_TRUE(together("2001:db8::1", "2001:db8:0:1::1", 32, 48));
  EXPECT_TRUE(together("::ffff:10.1.2.3", "10.1.2.3")) << "the same address on an IPv6 socket";
}

TEST(ClientKey, TellsPathsApart) {
  Someone a, b;
  a.where = "/orders";
  b.where = "/events";
  const ClientKey key{.of = ClientKey::Of::path};
  EXPECT_NE(hash_of(key, &a, secret), hash_of(key, &b, secret));
  EXPECT_EQ(hash_of({}, &a, secret), hash_of({}, &b, secret)) << "none: all are one client";
}

TEST(ClientKey, JoinedOfSeveralIsTheSameOnlyWhereEachIs) {
  const ClientKey both{.of = ClientKey::Of::header, .header = "X-Api-Key", .with = {{.of = ClientKey::Of::path}}};
  std::set<std::uint64_t> hashes;
  for (const auto& [key, path] : std::vector<std::pair<std::string, std::string>>{
           {"a", "bc"}, {"ab", "c"}, {"a|b", "c"}, {"a", "b|c"}, {"", "abc"}, {"abc", ""}}) {
    Someone someone;
    someone.key = key;
    someone.where = path;
    hashes.insert(hash_of(both, &someone, secret));
    EXPECT_EQ(hash_of(both, &someone, secret), hash_of(both, &someone, secret));
  }
  EXPECT_EQ(hashes.size(), 6u);
}

TEST(ClientKey, TellsCertificatesApartByTheirSubject) {
  const ClientKey key{.of = ClientKey::Of::tls_subject};
  const auto of = [&](const std::string& subject) {
    Someone someone;
    someone.subject = subject;
    return hash_of(key, &someone, secret);
  };
  EXPECT_EQ(of("CN=orders,O=Acme"), of("CN=orders,O=Acme"));
  EXPECT_NE(of("CN=orders,O=Acme"), of("CN=orders"));
  EXPECT_EQ(of(""), of("")) << "without a certificate";
}

}  // namespace
}  // namespace weir::async
