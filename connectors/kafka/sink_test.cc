// The sink against librdkafka's own cluster; promises are tested against a real one (tests/e2e/kafka_sink.py).
#include "sink.h"

#include <gmock/gmock.h>
#include <weir/component/conformance/batches.h>

#include <chrono>
#include <fstream>

#include "mock_for_test.h"
#include "net/test_certificate.h"

namespace weir::kafka {
namespace {

using namespace std::chrono_literals;
using conformance::batch_of;
using conformance::Delivered;
using conformance::json_events;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = Delivery::Outcome;

constexpr std::int16_t produce_request = 0;  // of the protocol

struct KafkaSinkTest : testing::Test {
  KafkaSinkTest() {
    cluster.create("orders", 2);
    options.set("brokers", std::vector{cluster.address()});
    options.set("topic", std::string("orders"));
    options.set("timeout", Duration(10s));
    options.set("connect_timeout", Duration(5s));
  }
  std::unique_ptr<KafkaSink> make() { return std::make_unique<KafkaSink>(read_producer("sink out", options), context); }
  std::unique_ptr<KafkaSink> opened() {
    auto sink = make();
    const auto result = sink->open();
    EXPECT_TRUE(result) << result.error().message;
    return sink;
  }
  std::string open_error() {
    const auto opened = make()->open();
    return opened ? "" : opened.error().message;
  }
  // Delivers again and again until it ends so: the client learns of its brokers' moods in its own time.
  static Delivery until(Outcome outcome, KafkaSink& sink) {
    const auto give_up = std::chrono::steady_clock::now() + 60s;
    for (;;) {
      const Delivered some(batch_of(json_events("a", 10), 1));
      auto delivery = sink.deliver(some);
      if (delivery.outcome == outcome || std::chrono::steady_clock::now() > give_up) return delivery;
    }
  }
  MockCluster cluster;
  Options options;
  Context context;
};

TEST_F(KafkaSinkTest, IsDoneWhenTheBrokersHaveEverything) {
  auto sink = opened();
  const Delivered some(batch_of(json_events("a", 1000), 1));
  EXPECT_EQ(sink->deliver(some).outcome, Outcome::done);
  EXPECT_EQ(sink->deliver({}).outcome, Outcome::done);
}

TEST_F(KafkaSinkTest, RefusesWhatIsTooLargeAloneAndSaysHowLargeItIs) {
  options.set("max_message", Bytes(2000));
  auto sink = opened();
  const Delivered some(batch_of({"{}", std::string(3000, 'x'), "{}"}, 1));
  const auto delivery = sink->deliver(some);
  EXPECT_EQ(delivery.outcome, Outcome::done);
  ASSERT_EQ(delivery.refused.size(), 1u);
  EXPECT_EQ(delivery.refused[0].event, 1u);
  EXPECT_THAT(delivery.refused[0].why, HasSubstr("3000 bytes"));
}

TEST_F(KafkaSinkTest, WaitsForRoomInItsProducerAndDropsNothing) {
  options.set("memory", Bytes(1_MiB));
  auto sink = opened();
  Delivered some;
  for (int i = 0; i < 8; ++i) some.add(batch_of(json_events("m" + std::to_string(i), 1000, 500), i * 1000 + 1u));
  EXPECT_EQ(sink->deliver(some).outcome, Outcome::done);
}

TEST_F(KafkaSinkTest, LetsABrokersTroubleBeTriedAgainByItsClient) {
  auto sink = opened();
  rd_kafka_mock_push_request_errors(cluster.get(), produce_request, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                    RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
  const Delivered some(batch_of(json_events("a", 10), 1));
  EXPECT_EQ(sink->deliver(some).outcome, Outcome::done);
}

TEST_F(KafkaSinkTest, SaysAgainWithTheBrokersWordsWhenTheyWillNotHaveIt) {
  auto sink = opened();
  rd_kafka_mock_push_request_errors(cluster.get(), produce_request, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  const Delivered some(batch_of(json_events("a", 1), 1));
  const auto delivery = sink->deliver(some);
  EXPECT_EQ(delivery.outcome, Outcome::again);
  EXPECT_THAT(delivery.error.message, HasSubstr("sink out: "));
  EXPECT_THAT(delivery.error.message, HasSubstr("uthoriz"));
  const auto next = until(Outcome::done, *sink);  // the client first asks who leads the topic now
  EXPECT_EQ(next.outcome, Outcome::done) << next.error.message;
}

TEST_F(KafkaSinkTest, RefusesARecordThatTheBrokersCallInvalid) {
  auto sink = opened();
  rd_kafka_mock_push_request_errors(cluster.get(), produce_request, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
  const Delivered some(batch_of(json_events("a", 1), 1));
  const auto delivery = sink->deliver(some);
  EXPECT_EQ(delivery.outcome, Outcome::done);
  EXPECT_EQ(delivery.refused.size(), 1u);
}

TEST_F(KafkaSinkTest, SaysAgainWhenNobodyAnswersAndGoesOnWaitingForTheSameMessages) {
  options.set("timeout", Duration(100ms));
  auto sink = opened();
  rd_kafka_mock_broker_set_rtt(cluster.get(), 1, 4000);  // longer than this process may be without a processor
  const Delivered some(batch_of(json_events("a", 10), 1));
  auto delivery = sink->deliver(some);
  EXPECT_EQ(delivery.outcome, Outcome::again);
  EXPECT_THAT(delivery.error.message, HasSubstr("no answer for topic orders within 0.1 s"));
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  while (delivery.outcome == Outcome::again && std::chrono::steady_clock::now() < give_up)
    delivery = sink->deliver(some);
  EXPECT_EQ(delivery.outcome, Outcome::done);
}

TEST_F(KafkaSinkTest, SaysAgainWhenItsTopicIsTakenAwayWhileMessagesHaveHeaders) {
  options.set("headers", Options::Table{{"which", ".id"}});
  options.set("librdkafka",
              Options::Table{{"topic.metadata.refresh.interval.ms", "50"}, {"topic.metadata.propagation.max.ms", "0"}});
  auto sink = opened();
  rd_kafka_mock_topic_set_error(cluster.get(), "orders", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  const auto delivery = until(Outcome::again, *sink);
  EXPECT_EQ(delivery.outcome, Outcome::again);
  EXPECT_THAT(delivery.error.message, HasSubstr("nknown"));
}

TEST_F(KafkaSinkTest, ReturnsSoonWhenCancelled) {
  auto sink = opened();
  rd_kafka_mock_broker_set_down(cluster.get(), 1);
  const Delivered some(batch_of(json_events("a", 10), 1));
  sink->cancel();
  EXPECT_EQ(sink->deliver(some).outcome, Outcome::again);
  sink->close();
}

TEST_F(KafkaSinkTest, EndsTheStartWithOneLineThatNamesWhatIsWrong) {
  options.set("topic", std::string("nowhere"));
  rd_kafka_mock_topic_set_error(cluster.get(), "nowhere", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  EXPECT_THAT(open_error(), HasSubstr("sink out: there is no topic nowhere at"));
  options.set("topic", std::string("orders"));
  options.set("memory", Bytes(10));
  EXPECT_THAT(open_error(), HasSubstr("memory must be between max_message and 1GiB"));
  options.set("memory", Bytes(8_MiB));
  options.set("key", std::string("user"));
  EXPECT_THAT(open_error(), HasSubstr("sink out: key: "));
  options.set("key", std::string(".user"));
  options.set("connect_timeout", Duration(300ms));
  options.set("brokers", std::vector<std::string>{"127.0.0.1:1"});
  EXPECT_THAT(open_error(), HasSubstr("127.0.0.1:1"));
}

TEST_F(KafkaSinkTest, ReadsItsCertificatesAgainAndKeepsThoseItHasWhenTheyCannotBeUsed) {
  EXPECT_EQ(make()->on_hangup().value_or("an error"), "") << "without TLS there is nothing to read";
  const net::TestCertificate files;
  options.set("tls", true);
  options.set("tls_ca", files.certificate);
  auto sink = make();
  EXPECT_EQ(sink->on_hangup().value_or("an error"), "has read its certificates again, for its next delivery");
  std::ofstream(files.certificate, std::ios::trunc) << "-----BEGIN CERTIFICATE-----\nMIIB";
  const auto half = sink->on_hangup();
  ASSERT_FALSE(half);
  EXPECT_THAT(half.error().message, testing::StartsWith(files.certificate + ": "));
  EXPECT_THAT(half.error().message, testing::EndsWith("it keeps the certificates it has"));
}

TEST_F(KafkaSinkTest, IsCheckedWithoutAConnection) {
  const auto checked = [&] {
    const auto fit = make()->check();
    return fit ? "" : fit.error().message;
  };
  options.set("brokers", std::vector<std::string>{"127.0.0.1:1"});
  EXPECT_EQ(checked(), "");
  options.set("topic", std::string("no topic"));
  EXPECT_EQ(checked(), "sink out: topic: no topic is no name of a topic: 1 to 249 letters, digits, dots, _ and -");
  options.set("topic", std::string("orders"));
  options.set("key", std::string("@source"));
  EXPECT_THAT(checked(), HasSubstr("sink out: key: only expressions of stages read attributes"));
  options.set("key", std::string(".user"));
  options.set("headers", Options::Table{{"weir-own", ".a"}});
  EXPECT_THAT(checked(), HasSubstr("those are this sink's own"));
  options.set("headers", Options::Table{});
  options.set("tls_key", std::string("/nowhere.pem"));
  EXPECT_THAT(checked(), HasSubstr("tls_key without tls"));
}

TEST_F(KafkaSinkTest, OwnsWhatItsPromisesDependOn) {
  options.set("librdkafka", Options::Table{{"acks", "1"}});
  EXPECT_THAT(open_error(), HasSubstr("acks is not yours to set"));
}

}  // namespace
}  // namespace weir::kafka
