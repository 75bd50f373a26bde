#include <gtest/gtest.h>
#include <unistd.h>
#include <weir/base/held_file.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace weir {
namespace {

namespace fs = std::filesystem;
using State = HeldFile::State;

class HeldFileTest : public testing::Test {
 protected:
  HeldFileTest() {
    fs::create_directories(folder);
    append("12345");
    held = HeldFile(**look_at(path));
  }
  ~HeldFileTest() override { fs::remove_all(folder); }
  void append(const std::string& text) { std::ofstream(path, std::ios::app) << text; }
  State state() { return held.state(*look_at(path)); }

  const std::string folder = testing::TempDir() + "held_file_" + std::to_string(::getpid());
  const std::string path = folder + "/a";
  HeldFile held;
};

TEST_F(HeldFileTest, IsTheSameUntilSomebodyTouchesIt) {
  EXPECT_EQ(state(), State::same);
  append("6");
  EXPECT_EQ(state(), State::longer);
  held.leave(6);
  EXPECT_EQ(state(), State::same);
  fs::resize_file(path, 2);
  EXPECT_EQ(state(), State::shorter);
}

TEST_F(HeldFileTest, IsMissingWhenItsNameOrItsFolderIsGone) {
  fs::rename(path, path + ".1");
  EXPECT_EQ(state(), State::missing);
  fs::remove_all(folder);
  EXPECT_EQ(state(), State::missing);
  std::ofstream(folder) << "no folder";
  EXPECT_EQ(state(), State::missing);
  fs::remove(folder);
}

TEST_F(HeldFileTest, IsReplacedWhenAnotherFileHasItsName) {
  fs::rename(path, path + ".1");
  append("12345");
  EXPECT_EQ(state(), State::replaced);
  EXPECT_FALSE(held.is_named_by(*look_at(path)));
  fs::rename(path + ".1", path);
  EXPECT_TRUE(held.is_named_by(*look_at(path)));
}

TEST_F(HeldFileTest, APathThatCannotBeLookedAtIsNoAnswer) {
  fs::create_symlink("loop", folder + "/loop");
  const auto found = look_at(folder + "/loop");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error(), ELOOP);
}

}  // namespace
}  // namespace weir
