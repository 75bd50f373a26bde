// Folders and files of one configuration that are in each other's way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "config/loaded_for_test.h"

namespace weir::config {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string spilling(const std::string& name, const std::string& folder, const std::string& file) {
  return "  " + name + ": { type: store, from: [in], path: \"" + file +
         "\", on_failure: drop, queue: { when_full: spill, spill: { path: \"" + folder + "\" } } }\n";
}

std::vector<std::string> of_sinks(const std::string& sinks,
                                  const std::string& source = "type: http, listen: 127.0.0.1:1") {
  return problems("memory: 1GiB\nsources:\n  in: { " + source + " }\nsinks:\n" + sinks);
}

class Places : public testing::Test {
 public:
  Places() {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder + "/real");
    std::filesystem::create_directory_symlink("real", folder + "/link");
  }
  ~Places() override { std::filesystem::remove_all(folder); }
  const std::string folder = testing::TempDir() + "weir-places-" + std::to_string(::getpid());
};

TEST_F(Places, OfTheirOwnAreTaken) {
  EXPECT_THAT(of_sinks(spilling("a", "s/a", "x") + spilling("b", "s/b", "y")), IsEmpty());
  EXPECT_THAT(of_sinks(spilling("a", "s/ab", "x") + spilling("b", "s/a", "s/z")), IsEmpty());
}

TEST_F(Places, OneFolderForTwoIsRefusedWhateverItIsCalled) {
  EXPECT_THAT(of_sinks(spilling("a", folder + "/real/s", "x") + spilling("b", folder + "/link/s", "y")),
              ElementsAre(AllOf(HasSubstr("sinks.b.queue.spill.path"), HasSubstr("is where sinks.a spills"))));
}

TEST_F(Places, OneFolderInsideOfAnotherIsRefused) {
  EXPECT_THAT(of_sinks(spilling("a", "s", "x") + spilling("b", "s/b", "y")),
              ElementsAre(HasSubstr("s/b lies in s, where sinks.a spills: give each")));
  EXPECT_THAT(of_sinks(spilling("a", "s/a", "x") + spilling("b", "./s", "y")),
              ElementsAre(HasSubstr("s/a, where sinks.a spills, lies in ./s: give each")));
}

TEST_F(Places, AFileInsideOfSuchAFolderIsWarnedOf) {
  EXPECT_THAT(of_sinks(spilling("a", folder + "/link", folder + "/real/x.ndjson")),
              ElementsAre(AllOf(HasSubstr("warning"), HasSubstr("sinks.a.path: warning: lies in"))));
  EXPECT_THAT(of_sinks(spilling("a", "s", "s")), Contains(HasSubstr("s is the folder where sinks.a spills")));
}

TEST_F(Places, ASourceThatWouldReadTheFilesOfOneIsRefused) {
  const auto tail = [](const std::string& path) { return "type: tail, path: \"" + path + "\""; };
  EXPECT_THAT(of_sinks(spilling("a", folder + "/link", "x"), tail(folder + "/real/*")),
              Contains(HasSubstr("it would take that one's files for events")));
  EXPECT_THAT(of_sinks(spilling("a", "logs", "x"), tail("logs/*.log")), IsEmpty());
  EXPECT_THAT(of_sinks(spilling("a", "logs/s", "x"), tail("logs/*")),
              ElementsAre(AllOf(HasSubstr("warning"), HasSubstr("its pattern takes logs/s, where sinks.a spills"))));
}

}  // namespace
}  // namespace weir::config
