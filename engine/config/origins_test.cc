// Attributes read where events have none: `check` says so, and where they can be kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/testing.h"

namespace weir::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct OneMerger final : Merger {
  std::optional<Duration> next(TimePoint) override { return std::nullopt; }
  std::optional<Output> take(TimePoint, WallTime, bool, std::string&) override { return std::nullopt; }
};

/// Reads the attributes that its option names.
struct Reads final : StagePlan {
  explicit Reads(bool merges) : merges(merges) {}
  std::unique_ptr<weir::Stage> stage() override { return nullptr; }
  Attributes reads() const override { return read; }
  Merger* merger() override { return merges ? &one : nullptr; }
  bool merges;
  Attributes read{};
  OneMerger one;
};

StageType reads_type(const std::string& name, bool merges) {
  auto type = type_of<StageType>(name, "");
  type.options = {{.name = "attributes", .kind = OptionKind::texts}};
  type.compile = [merges](const Options& o, const Context&) -> Result<std::shared_ptr<StagePlan>> {
    auto plan = std::make_shared<Reads>(merges);
    for (const std::string& wanted : o.get_or<std::vector<std::string>>("attributes", {}))
      plan->read.add(static_cast<Attribute>(std::ranges::find(attribute_names, wanted) - attribute_names.begin()));
    return plan;
  };
  return type;
}

Catalog parts() {
  Catalog catalog = fake_catalog();
  auto files = type_of<SourceType>("files", "");
  files.can = {.can_pause = true, .can_refuse = false, .can_replay = true};
  files.strongest = Level::stored;
  files.origin = {Attribute::file, Attribute::offset};
  catalog.add(files);
  files.name = "topics";
  files.origin = {Attribute::topic, Attribute::partition, Attribute::offset};
  catalog.add(files);
  catalog.add(reads_type("reads", false));
  catalog.add(reads_type("merges", true));
  auto kept = type_of<JournalType>("kept", "");
  kept.ack = [](const Options&) { return SinkAck::durable; };
  kept.why_weaker = [](const Options&) { return std::string(); };
  kept.may_drop = [](const Options&) { return false; };
  kept.room = [](const Options&) { return JournalRoom{"somewhere", 1_GiB}; };
  kept.footprint = [](const Options&, std::size_t, Bytes) { return std::vector<Footprint>{}; };
  kept.read_ahead = [](const Options&) { return 1_MiB; };
  catalog.add(std::move(kept));
  return catalog;
}

std::vector<std::string> said(const std::string& stages, const std::string& more = {}) {
  const std::string yaml = "memory: 256MiB\nsources:\n  in: { type: files }\n  other: { type: topics }\n" + more +
                           "stages:\n" + stages + "sinks:\n  out: { type: print, from: [last, in, other] }\n";
  std::vector<std::string> texts;
  for (const Problem& problem : load_text(yaml, "weir.yaml", parts(), fake_options()).problems)
    if (problem.text().find('@') != std::string::npos) texts.push_back(problem.text());
  return texts;
}

TEST(Origins, WhatSomeSourceInFrontSaysMayBeRead) {
  EXPECT_THAT(said("  last: { type: reads, from: [in], attributes: [source, received, file, offset] }\n"), IsEmpty());
  EXPECT_THAT(said("  last: { type: reads, from: [in, other], attributes: [topic, file] }\n"), IsEmpty());
  EXPECT_THAT(
      said("  first: { type: reads, from: [in] }\n  last: { type: reads, from: [first], attributes: [file] }\n"),
      IsEmpty());
}

TEST(Origins, WhatNoSourceInFrontSaysIsAWarning) {
  EXPECT_THAT(
      said("  last: { type: reads, from: [in], attributes: [file, topic] }\n"),
      ElementsAre(HasSubstr("stages.last: warning: reads @topic, and no source in front of it says that: it is always "
                            "missing: there are @source, @file, @offset, @received")));
}

TEST(Origins, AJournalKeepsEventsOnly) {
  const auto all = said("  last: { type: reads, from: [log], attributes: [file, source, received] }\n",
                        "journals:\n  log: { type: kept, from: [in] }\n");
  EXPECT_THAT(all,
              ElementsAre(HasSubstr("reads @source behind journals.log, which keeps events and not where they came "
                                    "from: here it names the journal's reader"),
                          HasSubstr("reads @file behind journals.log, which keeps events and not where they came "
                                    "from: here it is missing: make it a member in front of the journal: a map "
                                    "with set: { .file: @file }")));
}

TEST(Origins, WhatAMergingStageMakesHasNone) {
  EXPECT_THAT(said("  sum: { type: merges, from: [in], attributes: [file] }\n"
                   "  last: { type: reads, from: [sum], attributes: [file, source] }\n"),
              ElementsAre(HasSubstr("stages.last: warning: reads @file behind stages.sum, which makes new events")));
}

}  // namespace
}  // namespace weir::config
