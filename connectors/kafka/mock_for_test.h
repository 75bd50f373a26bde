#pragma once
/// librdkafka's own cluster in this process, and what tests do with it: it speaks the protocol, groups included, and
/// keeps nothing. Promises are tested against a real one (tests/e2e/kafka.py).
///
/// Thread: one; the cluster has its own. Cost: for tests. A group's first member waits about 3 s to be let in.
#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>  // after it

#include <string>
#include <utility>
#include <vector>

#include "client.h"

namespace weir::kafka {

/// Fills a cluster and looks into it.
class TestCluster {
 public:
  virtual ~TestCluster();
  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;

  virtual std::string address() const = 0;
  virtual void create(const std::string& topic, int partitions) = 0;
  /// Null: a tombstone.
  void produce(const std::string& topic, int partition, const char* value, const char* key = nullptr,
               const std::vector<std::pair<std::string, std::string>>& headers = {});
  void produce_at(const std::string& topic, int partition, const std::string& value, std::int64_t written_ms);
  void flush();
  /// {"id":"PARTITION-FIRST"} and so on.
  void produce_ids(const std::string& topic, int partition, int first, int count);
  /// What the group has committed; -1: nothing.
  std::int64_t committed(const std::string& group, const std::string& topic, int partition);

  /// All that lies in a topic now.
  std::vector<std::string> read(const std::string& topic, int partitions);

 protected:
  TestCluster();
  rd_kafka_t* handle_;
};

class MockCluster final : public TestCluster {
 public:
  explicit MockCluster(int brokers = 1);
  ~MockCluster() override;
  std::string address() const override { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  rd_kafka_mock_cluster_t* get() const { return cluster_; }
  void create(const std::string& topic, int partitions) override;
  /// The next member that has joined a group waits a minute until it is told what is its own.
  void hold_back_assignments();
  bool holds_an_assignment_back() const;

 private:
  rd_kafka_mock_cluster_t* cluster_;
};

}  // namespace weir::kafka
