// main() of every unit test binary. As GoogleTest's own, with a limit for each case: one that takes longer than
// WEIR_CASE_SECONDS (300) ends the process with its name, so that a hang is told from a long list of cases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

char hanging[512];  // what the handler writes; it may not allocate

class Limit : public testing::EmptyTestEventListener {
 public:
  explicit Limit(unsigned seconds) : seconds_(seconds) {
    std::signal(SIGALRM, [](int) {
      [[maybe_unused]] const auto written = ::write(STDERR_FILENO, hanging, std::strlen(hanging));
      std::abort();
    });
  }

 private:
  void OnTestStart(const testing::TestInfo& test) override {
    const auto text = std::string("[  FAILED  ] ") + test.test_suite_name() + "." + test.name() +
                      " takes longer than " + std::to_string(seconds_) + " s\n";
    std::strncpy(hanging, text.c_str(), sizeof hanging - 1);
    ::alarm(seconds_);
  }
  void OnTestEnd(const testing::TestInfo&) override { ::alarm(0); }

  unsigned seconds_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  const char* seconds = std::getenv("WEIR_CASE_SECONDS");
  testing::UnitTest::GetInstance()->listeners().Append(new Limit(seconds ? std::strtoul(seconds, nullptr, 10) : 300));
  return RUN_ALL_TESTS();
}
