// The engine against the reference model, in lockstep, over random graphs, policies, loads and faults.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "log/log.h"
#include "pipeline/graph/lockstep_for_test.h"

namespace weir::model {
namespace {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr std::uint64_t cases = 1'000;
#else
constexpr std::uint64_t cases = 10'000;
#endif
#endif

/// Seeds that failed once, one a line; '#' starts a remark.
std::vector<std::uint64_t> kept_seeds() {
  const auto file = std::filesystem::path(__FILE__).parent_path() / "../../../tests/chaos/kept-seeds.txt";
  std::ifstream in(file);
  EXPECT_TRUE(in.is_open()) << file;
  std::vector<std::uint64_t> seeds;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line.front() != '#') seeds.push_back(std::strtoull(line.c_str(), nullptr, 10));
  return seeds;
}

std::uint64_t number_or(const char* variable, std::uint64_t fallback) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : fallback;
}

/// Other cases every day, the same ones all day long.
std::uint64_t first_of_the_day() {
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  return static_cast<std::uint64_t>(today.time_since_epoch().count()) * 1'000'000 + 1;
}

bool agrees(std::uint64_t seed) {
  Lockstep lockstep(seed);
  const std::string difference = lockstep.run();
  if (difference.empty()) return true;
  ADD_FAILURE() << difference
                << "\nto see it again, and to be kept in tests/chaos/kept-seeds.txt:\n  WEIR_MODEL_SEED=" << seed
                << " weir_pipeline_random_test --gtest_filter=Model.*";
  return false;
}

TEST(Model, AgreesWithTheEngineStepByStep) {
  log::set_level(log::Level::off);
  if (const char* seed = std::getenv("WEIR_MODEL_SEED")) {
    agrees(std::strtoull(seed, nullptr, 10));
    return;
  }
  for (const auto seed : kept_seeds())
    if (!agrees(seed)) return;
  const std::uint64_t first = number_or("WEIR_MODEL_FIRST", first_of_the_day());
  const std::uint64_t end = first + number_or("WEIR_MODEL_CASES", cases);
  std::cout << "model: seeds " << first << " to " << end - 1 << "; the same again: WEIR_MODEL_FIRST=" << first << "\n";
  for (std::uint64_t seed = first; seed < end; ++seed)
    if (!agrees(seed)) return;
}

}  // namespace
}  // namespace weir::model
