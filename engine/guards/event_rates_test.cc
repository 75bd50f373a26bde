#include <gtest/gtest.h>
#include <weir/component/batch.h>

#include "guards/event_rates.h"

namespace weir::guards {
namespace {

using namespace std::chrono_literals;

struct Sender final : async::Caller {
  std::string region = "north";
  std::string_view header(std::string_view) const override { return region; }
};

/// The text of some events, and where they are in it.
struct Body {
  std::string text;
  std::vector<Batch::Slot> index;
  explicit Body(const std::vector<std::string>& events) {
    for (const std::string& event : events) {
      index.push_back({static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(event.size()), 0});
      text += event + "\n";
    }
    text.append(block_padding, ' ');
  }
};

struct EventRatesTest : testing::Test {
  ManualClock clock;
  Context context{clock};
  EventRates rates{context};
  EventCaller reader;
  Sender sender;

  static config::Rate each(std::uint64_t burst, async::RateUnit per = async::RateUnit::events) {
    config::Rate rate;
    rate.guard.limit = {.limit = 1, .burst = burst};
    rate.guard.per = per;
    rate.guard.key = {.of = async::ClientKey::Of::field, .field = ".tenant"};
    return rate;
  }
  Admitted<void> admit(const std::string& tenants) {
    std::vector<std::string> events;
    for (const char tenant : tenants) events.push_back(std::string(R"({"tenant":")") + tenant + R"("})");
    const Body body(events);
    return rates.admit(reader, sender, body.text, body.index);
  }
};

TEST_F(EventRatesTest, TakeAllEventsOfARequestOrNoneAndTellTheLongestWait) {
  rates.add(each(4));
  EXPECT_TRUE(admit("aaab"));
  const auto refused = admit("aacbbbbb");  // a has one left and asks for two, b three and for five
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::rate_limited);
  EXPECT_EQ(refused.error().retry_after, 1s) << "b wants more than ever passes at once: when all of it is there";
  EXPECT_TRUE(admit("abbbcccc")) << "the refused one has cost nothing, neither a nor b nor c";
  EXPECT_FALSE(admit("a"));
}

TEST_F(EventRatesTest, WhatOneKeyBringsIsAskedForTogetherAndMayOverdrawOnce) {
  rates.add(each(4));
  EXPECT_TRUE(admit("aaaaaaaa"));
  EXPECT_EQ(admit("a").error().retry_after, 5s);
}

TEST_F(EventRatesTest, InBytesTheEventsOfAKeyAreAddedUp) {
  rates.add(each(30, async::RateUnit::bytes));
  EXPECT_TRUE(admit("ab"));  // 14 bytes each
  EXPECT_TRUE(admit("a"));
  EXPECT_FALSE(admit("a"));
  EXPECT_TRUE(admit("b"));
}

TEST_F(EventRatesTest, AFieldAndAHeaderTogetherAreAKey) {
  config::Rate rate = each(1);
  rate.guard.key.with = {{.of = async::ClientKey::Of::header, .header = "X-Region"}};
  rates.add(rate);
  EXPECT_TRUE(admit("a"));
  EXPECT_FALSE(admit("a"));
  sender.region = "south";
  EXPECT_TRUE(admit("a"));
}

TEST_F(EventRatesTest, OfSeveralAllMustAgreeAndOneThatObservesRefusesNobody) {
  config::Rate observed = each(1);
  observed.observe = true;
  observed.guard.name = "observed";
  rates.add(observed);
  rates.add(each(3));
  EXPECT_TRUE(admit("aa"));
  EXPECT_TRUE(admit("a"));
  EXPECT_FALSE(admit("a"));
  EXPECT_EQ(rates.stats()[0].refusals(), 2u);
  EXPECT_EQ(rates.stats()[1].refusals(), 1u);
}

TEST_F(EventRatesTest, AThousandKeysInOneRequestAreToldApart) {
  config::Rate rate = each(1);
  rate.guard.keys = 65536;
  rates.add(rate);
  std::vector<std::string> events;
  for (int i = 0; i < 1000; ++i) events.push_back(R"({"tenant":)" + std::to_string(i) + "}");
  const Body body(events);
  EXPECT_TRUE(rates.admit(reader, sender, body.text, body.index));
  EXPECT_FALSE(rates.admit(reader, sender, body.text, body.index));
}

}  // namespace
}  // namespace weir::guards
