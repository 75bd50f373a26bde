#include "cluster_for_test.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace weir::kafka {
namespace {

bool in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (std::filesystem::exists(std::filesystem::path(folder) / program)) return true;
  return false;
}

}  // namespace

std::string RealCluster::missing() {
  const char* required = std::getenv("WEIR_REQUIRE_KAFKA");
  if (required && std::string_view(required) == "1") return "";
  if (!in_path("java")) return "there is no Kafka here: Java is missing";
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::string folder = cache ? cache : std::string(home ? home : "") + "/.cache";
  const bool fetched = std::filesystem::exists(folder + "/weir/kafka-3.9.1");
  return fetched || in_path("mvn") ? "" : "there is no Kafka here: it is not fetched, and Maven is missing";
}

RealCluster::RealCluster(std::string source_dir) : source_(std::move(source_dir)) {
  std::string pattern = std::filesystem::temp_directory_path() / "weir-kafka-XXXXXX";
  folder_ = mkdtemp(pattern.data());
  constexpr std::string_view mark = "brokers: ";
  const auto line = script("up");
  if (!line.starts_with(mark)) throw std::runtime_error("scripts/kafka up failed");
  address_ = line.substr(mark.size());
  rd_kafka_brokers_add(handle_, address_.c_str());
}

RealCluster::~RealCluster() {
  script("down");
  std::filesystem::remove_all(folder_);
}

void RealCluster::create(const std::string& topic, int partitions) {
  char why[256];
  rd_kafka_NewTopic_t* fresh = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, why, sizeof why);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(handle_);
  rd_kafka_CreateTopics(handle_, &fresh, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 30'000);
  EXPECT_TRUE(event && !rd_kafka_event_error(event)) << "topic " << topic << " could not be made";
  if (event) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(fresh);
}

std::string RealCluster::script(const std::string& action) const {
  FILE* out = popen((source_ + "/scripts/kafka " + action + " " + folder_).c_str(), "r");
  std::string last;
  std::array<char, 512> run{};
  while (std::fgets(run.data(), static_cast<int>(run.size()), out)) last = run.data();
  if (pclose(out) != 0) return {};
  while (last.ends_with('\n')) last.pop_back();
  return last;
}

}  // namespace weir::kafka
