#include "net/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace weir::net {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Client : async::Caller {
  std::string address = "10.0.0.7";
  std::string peer() const override { return address; }
};

Admitted<void> answer(const Credentials& credentials, std::string fields, const std::string& peer, TimePoint now) {
  fields += "\r\n";
  Head head;
  head.fields = fields;
  Client client;
  client.address = peer;
  return credentials.let_in(head, client, now);
}

/// Each on a day of its own, so that nobody has guessed too often.
bool let_in(const Credentials& credentials, const std::string& fields) {
  static TimePoint day{std::chrono::hours(24)};
  return answer(credentials, fields, "10.0.0.7", day += std::chrono::hours(24)).has_value();
}

bool with(const Credentials& credentials, const std::string& authorization) {
  return let_in(credentials, "Host: w\r\nAuthorization: " + authorization + "\r\nContent-Length: 1\r\n");
}

TEST(Credentials, WithoutAnyEverybodyIsLetInAndNobodyChallenged) {
  const Credentials nobody_asked;
  EXPECT_TRUE(let_in(nobody_asked, "Host: w\r\n"));
  EXPECT_TRUE(with(nobody_asked, "Bearer whatever"));
  EXPECT_THAT(nobody_asked.challenge(), IsEmpty());
}

TEST(Credentials, OneOfTheTokensLetsInWhateverTheCaseOfTheScheme) {
  const Credentials credentials({.tokens = {"hunter2", "k.e-y_~+/=="}, .users = {}});
  for (const char* sent :
       {"Bearer hunter2", "bearer hunter2", "BEARER   hunter2", "Bearer k.e-y_~+/==", "bEaReR hunter2 "})
    EXPECT_TRUE(with(credentials, sent)) << sent;
  for (const char* sent :
       {"Bearer hunter", "Bearer hunter22", "Bearer Hunter2", "Bearer", "Bearer ", "hunter2", "Basic hunter2",
        "Bearer\thunter2", "Bearer hunter2, Bearer hunter2", "Bearer hunter2 x", "Bearer \"hunter2\"", "", "  "})
    EXPECT_FALSE(with(credentials, sent)) << sent;
  EXPECT_FALSE(let_in(credentials, "Host: w\r\n"));
  EXPECT_FALSE(let_in(credentials, "X-Authorization: Bearer hunter2\r\n"));
}

TEST(Credentials, TwoAuthorizationFieldsAreNone) {
  const Credentials credentials({.tokens = {"hunter2"}, .users = {}});
  EXPECT_FALSE(let_in(credentials, "Authorization: Bearer hunter2\r\nauthorization: Bearer hunter2\r\n"));
  EXPECT_FALSE(let_in(credentials, "Authorization: Bearer no\r\nHost: w\r\nAuthorization: Bearer hunter2\r\n"));
  EXPECT_FALSE(let_in(credentials, "Authorization:\r\nAuthorization: Bearer hunter2\r\n"));
}

TEST(Credentials, AUserNeedsNameAndPassword) {
  const Credentials credentials({.tokens = {}, .users = {{"Aladdin", "open sesame"}, {"ops", "a:b"}}});
  EXPECT_TRUE(with(credentials, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));  // the example of RFC 7617
  EXPECT_TRUE(with(credentials, "basic b3BzOmE6Yg=="));                  // ops:a:b
  EXPECT_FALSE(with(credentials, "Basic QWxhZGRpbjo="));                 // Aladdin:
  EXPECT_FALSE(with(credentials, "Basic b3BzOm9wZW4gc2VzYW1l"));         // ops:open sesame
  EXPECT_FALSE(with(credentials, "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

TEST(Credentials, ATokenIsNoPasswordAndNeitherIsAPasswordAToken) {
  const Credentials credentials({.tokens = {"b3BzOnBhc3M="}, .users = {{"Aladdin", "open sesame"}}});
  EXPECT_TRUE(with(credentials, "Bearer b3BzOnBhc3M="));
  EXPECT_FALSE(with(credentials, "Basic b3BzOnBhc3M="));
  EXPECT_FALSE(with(credentials, "Bearer open sesame"));
}

TEST(Credentials, WhatIsReplacedCountsForAllCopiesAtOnce) {
  const Credentials credentials({.tokens = {"old"}, .users = {}});
  const Credentials copy = credentials;
  credentials.replace({.tokens = {"new"}, .users = {}});
  EXPECT_FALSE(with(copy, "Bearer old"));
  EXPECT_TRUE(with(copy, "Bearer new"));
}

struct Guesses : testing::Test {
  std::vector<std::string> refused;
  Credentials credentials{{.tokens = {"hunter2"}, .users = {{"ops", "a:b"}}},
                          {.limit = {.peers = 64, .most = 3, .window = std::chrono::seconds(60)},
                           .secret = {1, 2},
                           .on_refused = [this](const std::string& peer) { refused.push_back(peer); }}};
  TimePoint now{std::chrono::hours(1)};
  const std::string right = "Authorization: Bearer hunter2\r\n", wrong = "Authorization: Bearer hunter3\r\n";

  std::optional<Reason> ask(const std::string& fields, const std::string& peer = "10.0.0.7") {
    const auto said = answer(credentials, fields, peer, now);
    return said ? std::nullopt : std::optional(said.error().reason);
  }
};

TEST_F(Guesses, AreBoundedForEachAddressAndTheLastOneIsTold) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask(wrong), Reason::unauthorized) << "the same one again is no new guess";
  for (const char* other : {"hunter4", "hunter5"})
    EXPECT_EQ(ask(std::string("Authorization: Bearer ") + other + "\r\n"), Reason::unauthorized);
  EXPECT_THAT(refused, testing::ElementsAre("10.0.0.7"));
  EXPECT_EQ(ask(wrong), Reason::too_many_guesses);
  EXPECT_EQ(ask(right), Reason::too_many_guesses) << "the answer would tell that it is right";
  EXPECT_EQ(answer(credentials, right, "10.0.0.7", now).error().retry_after, std::chrono::seconds(60));
  EXPECT_EQ(ask(right, "10.0.0.8"), std::nullopt) << "others are not touched";
  now += std::chrono::seconds(60);
  EXPECT_EQ(ask(right), std::nullopt);
  EXPECT_EQ(refused.size(), 1u);
}

TEST_F(Guesses, OfPasswordsAndTokensCountTogetherAndThoseWhoSendNothingGuessNothing) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask("Host: w\r\n"), Reason::unauthorized);
  EXPECT_EQ(ask(right), std::nullopt);
  ask("Authorization: Basic b3BzOm5v\r\n");
  ask(wrong);
  EXPECT_EQ(ask("Authorization: Digest x\r\n"), Reason::unauthorized);
  EXPECT_EQ(ask("Host: w\r\n"), Reason::too_many_guesses);
}

TEST_F(Guesses, AtASecretThatWasReplacedAreForgotten) {
  for (const char* one : {"1", "2", "3"}) ask("Authorization: Bearer no" + std::string(one) + "\r\n");
  EXPECT_EQ(ask(right), Reason::too_many_guesses);
  credentials.replace({.tokens = {"hunter9"}, .users = {}});
  EXPECT_EQ(ask("Authorization: Bearer hunter9\r\n"), std::nullopt);
}

TEST_F(Guesses, OfOneSubscriberOfIpv6AreThoseOfOnePeer) {
  for (const char* last : {"1", "2", "3"})
    ask("Authorization: Bearer no" + std::string(last) + "\r\n", "2001:db8:1:2::" + std::string(last));
  EXPECT_EQ(ask(right, "2001:db8:1:2::9"), Reason::too_many_guesses);
  EXPECT_EQ(ask(right, "2001:db8:1:3::9"), std::nullopt);
}

TEST(Credentials, TheChallengeNamesWhatIsTaken) {
  EXPECT_THAT(Credentials({.tokens = {"x"}, .users = {}}).challenge(), Not(HasSubstr("Basic")));
  EXPECT_THAT(Credentials({.tokens = {}, .users = {{"a", "b"}}}).challenge(), Not(HasSubstr("Bearer")));
  EXPECT_EQ(Credentials({.tokens = {"x"}, .users = {{"a", "b"}}}).challenge(),
            "WWW-Authenticate: Bearer realm=\"weir\"\r\n"
            "WWW-Authenticate: Basic realm=\"weir\", charset=\"UTF-8\"\r\n");
}

}  // namespace
}  // namespace weir::net
