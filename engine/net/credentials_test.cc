#include "net/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::net {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

bool let_in(const Credentials& credentials, std::string fields) {
  fields += "\r\n";
  Head head;
  head.fields = fields;
  return credentials.let_in(head);
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

TEST(Credentials, TheChallengeNamesWhatIsTaken) {
  EXPECT_THAT(Credentials({.tokens = {"x"}, .users = {}}).challenge(), Not(HasSubstr("Basic")));
  EXPECT_THAT(Credentials({.tokens = {}, .users = {{"a", "b"}}}).challenge(), Not(HasSubstr("Bearer")));
  EXPECT_EQ(Credentials({.tokens = {"x"}, .users = {{"a", "b"}}}).challenge(),
            "WWW-Authenticate: Bearer realm=\"weir\"\r\n"
            "WWW-Authenticate: Basic realm=\"weir\", charset=\"UTF-8\"\r\n");
}

}  // namespace
}  // namespace weir::net
