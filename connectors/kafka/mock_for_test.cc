#include "mock_for_test.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "client.h"

namespace weir::kafka {
namespace {

constexpr std::int32_t only_broker = 1;
constexpr std::int16_t sync_group = 14;  // the protocol's number for it

}  // namespace

TestCluster::~TestCluster() {
  if (handle_) rd_kafka_destroy(handle_);
}

void TestCluster::produce(const std::string& topic, int partition, const char* value, const char* key,
                          const std::vector<std::pair<std::string, std::string>>& headers) {
  rd_kafka_headers_t* list = rd_kafka_headers_new(headers.size());
  for (const auto& [name, text] : headers)
    rd_kafka_header_add(list, name.c_str(), -1, text.data(), static_cast<ssize_t>(text.size()));
  const auto error =
      rd_kafka_producev(handle_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                        RD_KAFKA_V_VALUE(const_cast<char*>(value), value ? std::char_traits<char>::length(value) : 0),
                        RD_KAFKA_V_KEY(key, key ? std::char_traits<char>::length(key) : 0),
                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END);
  ASSERT_EQ(error, RD_KAFKA_RESP_ERR_NO_ERROR);
}

void TestCluster::produce_at(const std::string& topic, int partition, const std::string& value,
                             std::int64_t written_ms) {
  ASSERT_EQ(
      rd_kafka_producev(handle_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                        RD_KAFKA_V_TIMESTAMP(written_ms), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
      RD_KAFKA_RESP_ERR_NO_ERROR);
}

void TestCluster::flush() { ASSERT_EQ(rd_kafka_flush(handle_, 30'000), RD_KAFKA_RESP_ERR_NO_ERROR); }

void TestCluster::produce_ids(const std::string& topic, int partition, int first, int count) {
  for (int n = first; n < first + count; ++n)
    produce(topic, partition, fmt::format(R"({{"id":"{}-{}"}})", partition, n).c_str());
  flush();
}

std::int64_t TestCluster::committed(const std::string& group, const std::string& topic, int partition) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[256];
  rd_kafka_conf_set(conf, "group.id", group.c_str(), why, sizeof why);
  rd_kafka_conf_set(conf, "bootstrap.servers", address().c_str(), why, sizeof why);
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
  const PartitionList places = make_partition_list(1);
  rd_kafka_topic_partition_list_add(places.get(), topic.c_str(), partition);
  EXPECT_EQ(rd_kafka_committed(consumer, places.get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_destroy(consumer);
  return places->elems[0].offset < 0 ? -1 : places->elems[0].offset;
}

std::vector<std::string> TestCluster::read(const std::string& topic, int partitions) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[256];
  for (const auto& [name, value] : std::vector<std::pair<const char*, std::string>>{
           {"group.id", "looks-into-" + topic}, {"bootstrap.servers", address()}, {"enable.partition.eof", "true"}})
    rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why);
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
  const PartitionList places = make_partition_list(static_cast<std::size_t>(partitions));
  for (int p = 0; p < partitions; ++p)
    rd_kafka_topic_partition_list_add(places.get(), topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(consumer, places.get());
  std::vector<std::string> values;
  for (int ends = 0, polls = 0; ends < partitions && polls < 100'000; ++polls) {
    const Message message(rd_kafka_consumer_poll(consumer, 1000));
    if (message && !message->err) values.emplace_back(static_cast<const char*>(message->payload), message->len);
    ends += message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  }
  rd_kafka_destroy(consumer);
  return values;
}

TestCluster::TestCluster() {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[256];
  rd_kafka_conf_set(conf, "log_level", "0", why, sizeof why);
  rd_kafka_conf_set(conf, "linger.ms", "0", why, sizeof why);
  handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
}

MockCluster::MockCluster(int brokers) : cluster_(rd_kafka_mock_cluster_new(handle_, brokers)) {
  rd_kafka_brokers_add(handle_, MockCluster::address().c_str());
}

MockCluster::~MockCluster() { rd_kafka_mock_cluster_destroy(cluster_); }

void MockCluster::create(const std::string& topic, int partitions) {
  ASSERT_EQ(rd_kafka_mock_topic_create(cluster_, topic.c_str(), partitions, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockCluster::hold_back_assignments() {
  ASSERT_EQ(rd_kafka_mock_broker_push_request_error_rtts(cluster_, only_broker, sync_group, 1,
                                                         RD_KAFKA_RESP_ERR_NO_ERROR, 60'000),
            RD_KAFKA_RESP_ERR_NO_ERROR);
}

bool MockCluster::holds_an_assignment_back() const {
  std::size_t waiting = 1;
  rd_kafka_mock_broker_error_stack_cnt(cluster_, only_broker, sync_group, &waiting);
  return waiting == 0;
}

}  // namespace weir::kafka
