#include "envelope.h"

#include <gmock/gmock.h>
#include <weir/component/conformance/batches.h>

namespace weir::kafka {
namespace {

using conformance::Delivered;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

EnvelopeMaker maker(std::string_view key, const Options::Table& headers = {}) {
  auto made = EnvelopeMaker::compile(key, headers, 1_MiB);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

Batch event(const std::string& text, bool dead_letter = false) {
  std::vector<Batch::Slot> index{{0, static_cast<std::uint32_t>(text.size()), 0}};
  const Batch::Run run{nullptr, 1};
  BatchInfo info;
  info.dead_letter = dead_letter;
  return make_batch(text, index, {&run, 1}, info, Ticket{}, false);
}

TEST(KafkaEnvelope, IsTheEventAloneWhenNothingElseIsAskedFor) {
  const Delivered one(event(R"({"user":"u1"})"));
  auto make = maker("");
  const auto& envelope = make.make(std::span<const Batch>(one)[0], 0);
  EXPECT_EQ(envelope.value, R"({"user":"u1"})");
  EXPECT_FALSE(envelope.key);
  EXPECT_THAT(envelope.headers, IsEmpty());
}

TEST(KafkaEnvelope, TakesKeyAndHeadersFromTheEvent) {
  const Delivered one(event(R"({"user":"u\u0031","n":7,"deep":{"ok":true}})"));
  auto make = maker(".user", {{"number", ".n"}, {"ok", ".deep.ok"}, {"none", ".missing"}});
  const auto& envelope = make.make(std::span<const Batch>(one)[0], 0);
  EXPECT_EQ(envelope.key, "u1");
  EXPECT_THAT(envelope.headers, ElementsAre(Pair("number", "7"), Pair("ok", "true")));
}

TEST(KafkaEnvelope, HasNoKeyWhereTheEventHasNone) {
  const Delivered one(event(R"({"n":1})"));
  auto make = maker(".user", {{"number", ".n"}});
  const auto& envelope = make.make(std::span<const Batch>(one)[0], 0);
  EXPECT_FALSE(envelope.key);
  EXPECT_THAT(envelope.headers, ElementsAre(Pair("number", "1")));
}

TEST(KafkaEnvelope, HasNoKeyWhereThatOfTheEventIsEmpty) {
  const Delivered one(event(R"({"user":"","n":1})"));
  auto make = maker(".user", {{"number", ".n"}, {"user", ".user"}});
  const auto& envelope = make.make(std::span<const Batch>(one)[0], 0);
  EXPECT_FALSE(envelope.key);
  EXPECT_THAT(envelope.headers, ElementsAre(Pair("number", "1"), Pair("user", "")));
}

TEST(KafkaEnvelope, OpensADeadLetterAndSaysInHeadersWhyItLiesThere) {
  const Delivered one(event(
      R"({"reason":"sink_rejected","why":"no \"b\"","origin":"out","place":"orders/2","position":41,"attempts":3,"at_ms":5,"event":"{\"user\":\"u1\"}"})",
      true));
  auto make = maker(".user");
  const auto& envelope = make.make(std::span<const Batch>(one)[0], 0);
  EXPECT_EQ(envelope.value, R"({"user":"u1"})");
  EXPECT_EQ(envelope.key, "u1");
  EXPECT_THAT(envelope.headers,
              ElementsAre(Pair("weir-reason", "sink_rejected"), Pair("weir-why", "no \"b\""),
                          Pair("weir-origin", "out"), Pair("weir-place", "orders/2"), Pair("weir-position", "41"),
                          Pair("weir-attempts", "3"), Pair("weir-at-ms", "5")));
}

TEST(KafkaEnvelope, GivesBytesBackThatWereNoText) {
  const Delivered one(
      event(R"({"reason":"malformed","why":"","origin":"in","attempts":1,"at_ms":5,"event_hex":"ff01"})", true));
  auto make = maker("");
  EXPECT_EQ(make.make(std::span<const Batch>(one)[0], 0).value, "\xff\x01");
}

TEST(KafkaEnvelope, LeavesWhatIsNoLetterAsItIs) {
  const Delivered one(event("not json", true));
  auto make = maker(".user");
  const auto& envelope = make.make(std::span<const Batch>(one)[0], 0);
  EXPECT_EQ(envelope.value, "not json");
  EXPECT_THAT(envelope.headers, IsEmpty());
}

TEST(KafkaEnvelope, SaysWhichOptionIsWrong) {
  const auto error = [](std::string_view key, const Options::Table& headers) {
    const auto made = EnvelopeMaker::compile(key, headers, 1_MiB);
    return made ? "" : made.error().message;
  };
  EXPECT_THAT(error("user", {}), HasSubstr("key: "));
  EXPECT_THAT(error("", {{"h", "x y"}}), HasSubstr("headers: \"h\": "));
  EXPECT_THAT(error("", {{"weir-reason", ".a"}}), HasSubstr("those are this sink's own"));
}

}  // namespace
}  // namespace weir::kafka
