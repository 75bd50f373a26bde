#include <weir/component/auth_options.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string wrong(const Options& options) {
  const auto checked = check_auth(options);
  return checked ? std::string() : checked.error().message;
}

Options tokens(std::vector<std::string> all) {
  Options options;
  options.set("auth_bearer", std::move(all));
  return options;
}

Options users(Options::Table all) {
  Options options;
  options.set("auth_basic", std::move(all));
  return options;
}

TEST(AuthOptions, WithoutAnyNobodyIsAsked) {
  EXPECT_EQ(wrong(Options{}), "");
  EXPECT_EQ(logins_of(Options{}), Logins{});
}

TEST(AuthOptions, ASecretThatEverybodyKnowsIsRefused) {
  EXPECT_EQ(wrong(tokens({"one", ""})), "auth_bearer: token 2 is empty: everybody would know it");
  EXPECT_EQ(wrong(users({{"ops", ""}})), "auth_basic: the password of user 1 is empty: everybody would know it");
  EXPECT_THAT(wrong(tokens({"<secret>"})), HasSubstr("weir check --print"));
  EXPECT_THAT(wrong(tokens({})), StartsWith("auth_bearer: is an empty list"));
  EXPECT_THAT(wrong(users({})), StartsWith("auth_basic: names no user"));
}

TEST(AuthOptions, ASecretThatNoClientCanSendIsRefusedAndNotShown) {
  EXPECT_THAT(wrong(tokens({"hunter2\n"})), AllOf(HasSubstr("token 1 holds a blank"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(wrong(tokens({"hunter 2"})), AllOf(HasSubstr("token 1 holds a blank"), Not(HasSubstr("hunter"))));
  EXPECT_THAT(wrong(users({{"ops", "hunter2\r"}})),
              AllOf(HasSubstr("user 1 holds a line feed"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(wrong(users({{"o:ps", "x"}})), HasSubstr("colon"));
  EXPECT_THAT(wrong(tokens({std::string(4097, 'x')})), HasSubstr("4096"));
  EXPECT_EQ(wrong(users({{"ops", "a pass phrase: with more"}})), "");
}

TEST(AuthOptions, ThereIsABoundOnTheirNumber) {
  EXPECT_EQ(wrong(tokens(std::vector<std::string>(64, "x"))), "");
  EXPECT_THAT(wrong(tokens(std::vector<std::string>(65, "x"))), StartsWith("auth_bearer: at most 64"));
}

}  // namespace
}  // namespace weir
