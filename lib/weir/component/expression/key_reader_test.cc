#include <gtest/gtest.h>
#include <weir/component/expression/key_reader.h>
#include <weir/component/expression/testing.h>

namespace weir {
namespace {

KeyHash hash_of(std::string_view event) {
  auto reader = KeyReader::compile({".a", ".b"});
  JsonEvent json;
  const PaddedText padded(event);
  json.look_at(padded.view());
  reader->read(json);
  return reader->hash({1, 2});
}

// The authors' test vectors for 128 bits: key 00..0f, messages of the bytes 0, 1, 2, ...
TEST(SipHash, GivesThePublishedVectors) {
  const KeyHash secret{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  EXPECT_EQ(sip_hash("", secret), (KeyHash{0xe6a825ba047f81a3u, 0x930255c71472f66du}));
  EXPECT_EQ(sip_hash(std::string_view("\0", 1), secret), (KeyHash{0x44af996bd8c187dau, 0x45fc229b11597634u}));
}

TEST(KeyReader, TellsKeysApartByKindPlaceAndText) {
  const auto same = hash_of(R"({"a":"x","b":1})");
  EXPECT_EQ(hash_of(R"({"b":1, "c":0, "a":"\u0078"})"), same);
  for (const auto* other : {R"({"a":"x","b":1.0})", R"({"a":"x","b":"1"})", R"({"a":"x1"})", R"({"a":"x","b":null})",
                            R"({"b":"x","a":1})", R"({"a":"","b":"x1"})", "{}", "no json"})
    EXPECT_NE(hash_of(other), same) << other;
  EXPECT_EQ(hash_of("{}"), hash_of(R"({"a":{},"b":[]})"));
}

TEST(KeyReader, TellsValuesApartThatNothingCompares) {
  const auto same = hash_of(R"({"a":"x\ud800","b":1e400})");
  EXPECT_EQ(hash_of(R"({ "a" : "x\ud800", "b" : 1e400 })"), same);
  for (const auto* other : {R"({"a":"x\ud801","b":1e400})", R"({"a":"x\ud800","b":1e401})", R"({"a":"x"})", "{}"})
    EXPECT_NE(hash_of(other), same) << other;
}

TEST(KeyReader, SaysWhetherAFieldIsMissingAndShowsTheOthersAsWritten) {
  auto reader = KeyReader::compile({".a", ".b"});
  ASSERT_TRUE(reader);
  JsonEvent json;
  const PaddedText padded(R"({"a":"\n"})");
  json.look_at(padded.view());
  EXPECT_FALSE(reader->read(json));
  EXPECT_EQ(reader->raw(0), R"("\n")");
  EXPECT_EQ(reader->raw(1), "");
}

TEST(KeyReader, RefusesWhatIsNoPath) {
  EXPECT_FALSE(KeyReader::compile({"a"}));
  EXPECT_FALSE(KeyReader::compile(std::vector<std::string>(17, ".a")));
}

}  // namespace
}  // namespace weir
