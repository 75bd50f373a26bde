#include "config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

namespace weir::config {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> problems_of(std::string_view text, const YamlLimits& limits = {}) {
  std::vector<Problem> problems;
  parse_yaml(text, "f.yaml", problems, limits);
  std::vector<std::string> out;
  for (const Problem& problem : problems) out.push_back(problem.text());
  return out;
}

Yaml tree(std::string_view text) {
  std::vector<Problem> problems;
  auto root = parse_yaml(text, "f.yaml", problems);
  EXPECT_TRUE(root && problems.empty());
  return root.value_or(Yaml{});
}

TEST(YamlTree, RemembersWhereValuesAndKeysStand) {
  const Yaml root = tree("a:\n  b: [x, 'y z']\n");
  const YamlEntry& b = root.entries.at(0).value.entries.at(0);
  EXPECT_EQ(to_text(b.location), "f.yaml:2:3");
  EXPECT_EQ(to_text(b.value.location), "f.yaml:2:6");
  EXPECT_EQ(to_text(b.value.items.at(1).location), "f.yaml:2:10");
  EXPECT_EQ(b.value.items.at(1).text, "y z");
}

TEST(YamlTree, PutsAKeyWithoutAValueAtTheKey) {
  EXPECT_EQ(to_text(tree("a: 1\nb:\n\n\nc: 2\n").entries.at(1).value.location), "f.yaml:2:1");
}

TEST(YamlTree, IsNullForAnEmptyFile) { EXPECT_EQ(tree("# nothing\n").kind, Yaml::Kind::null); }

TEST(YamlTree, ExpandsAnchorsWhereTheyAreUsed) {
  const Yaml root = tree("a: &q { n: 5 }\nb: *q\n");
  EXPECT_EQ(root.entries.at(1).value.entries.at(0).value.text, "5");
}

TEST(YamlTree, MergesWithoutOverridingWhatIsWritten) {
  const Yaml root = tree("a: &q { n: 5, m: 6 }\nb: { n: 7, <<: *q, k: 8 }\nc: { <<: [*q, { m: 9, z: 1 }] }\n");
  const auto& b = root.entries.at(1).value.entries;
  ASSERT_EQ(b.size(), 3u);
  EXPECT_EQ(b[0].key + b[0].value.text + b[1].key + b[1].value.text + b[2].key + b[2].value.text, "n7k8m6");
  EXPECT_EQ(root.entries.at(2).value.entries.at(1).value.text, "6");
}

TEST(YamlTree, ReportsEveryDuplicateKey) {
  EXPECT_THAT(problems_of("a: 1\nb: 2\na: 3\nb: 4\n"),
              ElementsAre("f.yaml:3:1: the key 'a' is already set at f.yaml:1:1: keep one of the two",
                          "f.yaml:4:1: the key 'b' is already set at f.yaml:2:1: keep one of the two"));
}

TEST(YamlTree, SaysWhereItIsNotYaml) {
  EXPECT_THAT(problems_of("a: [1, 2\nb: 3\n"),
              ElementsAre("f.yaml:2:2: this is not YAML: end of sequence flow not found"));
  EXPECT_THAT(problems_of("a: *nope\n"),
              ElementsAre("f.yaml:1:4: this is not YAML: the referenced anchor is not defined"));
}

TEST(YamlTree, RefusesWhatHasNoMeaningHere) {
  EXPECT_THAT(problems_of("a: !!binary aGk=\n"),
              ElementsAre("f.yaml:1:4: the tag 'tag:yaml.org,2002:binary' means nothing here: leave it out"));
  EXPECT_THAT(problems_of("a: 1\n---\nb: 2\n"),
              ElementsAre("f.yaml:1:1: more than one document: put each into a file of its own"));
  EXPECT_THAT(problems_of("{ [a]: 1 }\n"), ElementsAre("f.yaml:1:3: a key has to be a word"));
  EXPECT_THAT(problems_of("<<: 5\n"), ElementsAre("f.yaml:1:1: '<<' takes a map or a list of maps: write <<: *anchor"));
}

TEST(YamlTree, RefusesInvalidUtf8AndControlCharacters) {
  EXPECT_THAT(problems_of("a: \xc3\xa4\xff\n"),
              ElementsAre("f.yaml:1:5: byte 0xff is not UTF-8: save it as UTF-8 text"));
  EXPECT_THAT(problems_of("\na: \xed\xa0\x80\n"),
              ElementsAre("f.yaml:2:4: byte 0xed is not UTF-8: save it as UTF-8 text"));
  EXPECT_THAT(problems_of("a: \xc0\xaf\n"), ElementsAre("f.yaml:1:4: byte 0xc0 is not UTF-8: save it as UTF-8 text"));
  EXPECT_THAT(problems_of("a: \xe2\x82"), ElementsAre("f.yaml:1:4: byte 0xe2 is not UTF-8: save it as UTF-8 text"));
  EXPECT_THAT(problems_of(std::string_view("a: \0b", 5)),
              ElementsAre("f.yaml:1:4: a control character (0x00) is no text: save it as UTF-8 text"));
}

TEST(YamlTree, StopsAtItsDepth) {
  std::string lists, maps = "a: ";
  for (int i = 0; i < 1000; ++i) lists += "- ", maps += "{ a: ";
  EXPECT_THAT(problems_of(lists), ElementsAre("f.yaml:1:65: nested deeper than 32 levels"));
  EXPECT_THAT(problems_of(maps), ElementsAre("f.yaml:1:159: nested deeper than 32 levels"));
  EXPECT_THAT(problems_of("a: " + std::string(100'000, '[')), ::testing::SizeIs(1));
  EXPECT_THAT(problems_of(std::string(100'000, '{')), ElementsAre(::testing::HasSubstr("a key has to be a word")));
}

TEST(YamlTree, StopsAliasBombsBeforeTheyExpand) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += fmt::format("a{0}: &a{0} [", i);
    for (int k = 0; k < 9; ++k) bomb += fmt::format("{}*a{}", k ? ", " : "", i - 1);
    bomb += "]\n";
  }
  const auto found = problems_of(bomb);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], ::testing::HasSubstr("more than 50000 values, aliases counted with all they stand for"));
}

TEST(YamlTree, RefusesAnAliasInsideItself) {
  EXPECT_THAT(problems_of("a: &x [1, *x]\n"), ElementsAre("f.yaml:1:11: this alias refers to what it is a part of"));
}

TEST(YamlTree, StopsAtItsSizes) {
  EXPECT_THAT(
      problems_of(std::string((1 << 20) + 1, 'a')),
      ElementsAre(
          "f.yaml: 1048577 bytes, which is more than a configuration may have (1048576): split it into several files"));
  std::string keys;
  for (int i = 0; i <= 1000; ++i) keys += fmt::format("k{}: 1\n", i);
  EXPECT_THAT(problems_of(keys), ElementsAre("f.yaml:1001:1: more than 1000 keys in one map"));
}

}  // namespace
}  // namespace weir::config
