#include <weir/async/permit.h>

#include <gmock/gmock.h>

#include <optional>
#include <vector>

namespace weir::async {
namespace {

using testing::ElementsAre;

struct Desk {
  std::vector<Outcome> reports;
  Permit give() {
    return Permit([this](Report r) { reports.push_back(r.outcome); });
  }
};

TEST(Permit, ReportsTheFirstOutcomeOnly) {
  Desk desk;
  {
    Permit permit = desk.give();
    permit.failed();
    permit.ok();
  }
  EXPECT_THAT(desk.reports, ElementsAre(Outcome::failed));
}

TEST(Permit, CountsAsIgnoredWhenItDiesUnsettled) {
  Desk desk;
  {
    const Permit permit = desk.give();
  }
  EXPECT_THAT(desk.reports, ElementsAre(Outcome::ignored));
}

TEST(Permit, MovesItsDutyToReport) {
  Desk desk;
  Permit first = desk.give();
  Permit second = std::move(first);
  first.failed();  // NOLINT(bugprone-use-after-move): that it says nothing is what is tested
  EXPECT_TRUE(desk.reports.empty());
  second.ok();
  EXPECT_THAT(desk.reports, ElementsAre(Outcome::ok));
}

TEST(Permit, IsIgnoredWhenAnotherTakesItsPlace) {
  Desk desk;
  Permit permit = desk.give();
  permit = Permit();
  EXPECT_THAT(desk.reports, ElementsAre(Outcome::ignored));
  EXPECT_TRUE(permit.settled());
}

TEST(Permit, SurvivesBeingMovedToItself) {
  Desk desk;
  Permit permit = desk.give();
  Permit& same = permit;
  permit = std::move(same);
  EXPECT_TRUE(desk.reports.empty());
  permit.ok();
  EXPECT_THAT(desk.reports, ElementsAre(Outcome::ok));
}

TEST(Permit, SaysWhenToComeBackAfterARefusal) {
  std::optional<Report> told;
  Permit permit([&](Report r) { told = r; });
  permit.refused(std::chrono::seconds(3));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->outcome, Outcome::refused);
  EXPECT_EQ(told->retry_after, std::chrono::seconds(3));
}

TEST(Permit, CannotBeSettledAgainFromInsideItsReport) {
  int reports = 0;
  Permit permit;
  permit = Permit([&](Report) {
    ++reports;
    permit.ok();
  });
  permit.failed();
  EXPECT_EQ(reports, 1);
}

}  // namespace
}  // namespace weir::async
