// What the parts themselves refuse, and what they may refuse of the events: both are known before anything runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/report.h"
#include "config/testing.h"

namespace weir::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Picky final : public weir::Source {
 public:
  explicit Picky(const SourceSetup& setup) : name_(setup.name), by_header_(setup.priorities.from_header()) {}
  Result<void> check() const override {
    if (by_header_) return failure("priority: there are no headers here");
    return failure("source " + name_ + ": depth: is more than 3");
  }
  Result<void> open() override { throw std::logic_error("nothing is opened by a check"); }
  std::unique_ptr<Intake> intake(const IntakeSetup&) override { return nullptr; }

 private:
  const std::string name_;
  const bool by_header_;
};

SinkType sink_that(const std::string& name, Refuses refuses) {
  auto type = type_of<SinkType>(name, "");
  type.options = {{.name = "path", .kind = OptionKind::path},
                  {.name = "rotate_size", .kind = OptionKind::size},
                  {.name = "rotate_keep", .kind = OptionKind::count}};
  type.ack = [](const Options&) { return SinkAck::durable; };
  type.refuses = [refuses](const Options&) { return refuses; };
  return type;
}

Catalog parts() {
  Catalog catalog = fake_catalog();
  auto picky = type_of<SourceType>("picky", "");
  picky.options = {{.name = "depth", .kind = OptionKind::count, .fallback = "9"}};
  picky.make = [](const SourceSetup& setup) { return std::make_unique<Picky>(setup); };
  catalog.add(std::move(picky));
  auto lines = type_of<SourceType>("lines", "");
  lines.can = {.can_pause = true, .can_refuse = false, .can_replay = true};
  lines.strongest = Level::stored;
  lines.makes_lines = true;
  catalog.add(std::move(lines));
  catalog.add(sink_that("file", Refuses::line_feeds));
  catalog.add(sink_that("hole", Refuses::none));
  return catalog;
}

std::vector<std::string> problems_of(const std::string& yaml) {
  static const LoadOptions options = fake_options();
  std::vector<std::string> texts;
  for (const Problem& problem : load_text(yaml, "weir.yaml", parts(), options).problems)
    texts.push_back(problem.text());
  return texts;
}

Config config_of(const std::string& yaml) {
  static const LoadOptions options = fake_options();
  auto loaded = load_text(yaml, "weir.yaml", parts(), options);
  EXPECT_THAT(loaded.problems, IsEmpty());
  return std::move(*loaded.config);
}

std::string flow(const std::string& source, const std::string& sink) {
  return "memory: 256MiB\nsources:\n  in: { type: " + source + " }\nsinks:\n  out: { from: in, type: " + sink + " }\n";
}

TEST(CheckParts, ShowsWhatAPartRefusesAtTheOptionItNames) {
  EXPECT_THAT(problems_of(flow("picky, depth: 5", "print")),
              ElementsAre("weir.yaml:3:29: sources.in.depth: is more than 3"));
  EXPECT_THAT(problems_of(flow("picky, priority: { from: header:X }", "print")),
              ElementsAre(HasSubstr("sources.in.priority: there are no headers here")));
}

TEST(DeadLetters, AreKeptInABoundedFileWhereNothingIsSaidAndASinkMayRefuse) {
  const Config config = config_of(flow("tail, path: p", "store, path: q"));
  ASSERT_EQ(config.sinks.size(), 2u);
  EXPECT_EQ(config.sinks[0].dead_letter, "out_dead_letters");
  EXPECT_EQ(config.sinks[1].options.text("path"), "data/dead_letters/out.ndjson");
  EXPECT_EQ(config.sinks[1].options.count("rotate_keep"), 3u);
  const std::string page = to_text(make_report(config, parts()), false);
  EXPECT_THAT(page, HasSubstr("what it refuses for good goes to"));
  const Config again = config_of(to_yaml(config, parts()));
  EXPECT_EQ(again.sinks.size(), 2u) << "as it is printed it loads again";
}

TEST(DeadLetters, AreNotNeededByASinkThatRefusesNothing) {
  EXPECT_EQ(config_of(flow("tail, path: p", "hole")).sinks.size(), 1u);
  EXPECT_EQ(config_of(flow("lines", "file, path: q")).sinks.size(), 1u) << "a line has no line feed";
  EXPECT_EQ(config_of(flow("tail, path: p", "file, path: q")).sinks.size(), 2u);
}

TEST(DeadLetters, AreNotAddedWhereTheFileSaysWhatBecomesOfThem) {
  EXPECT_EQ(config_of(flow("tail, path: p", "store, path: q, on_failure: drop")).sinks.size(), 1u);
  EXPECT_EQ(config_of(flow("tail, path: p, acks: processed", "store, path: q")).sinks.size(), 1u);
  EXPECT_THAT(problems_of(flow("tail, path: p", "store, path: q, on_failure: fail")),
              ElementsAre(HasSubstr("would come back for ever: add dead_letter: or on_failure: drop")));
}

}  // namespace
}  // namespace weir::config
