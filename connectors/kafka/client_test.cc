#include "client.h"
#include "log/log.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "mock_for_test.h"
#include "source.h"

namespace weir::kafka {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Options options(std::vector<std::string> brokers = {"127.0.0.1:9"}) {
  Options o;
  o.set("brokers", std::move(brokers));
  o.set("topics", std::vector<std::string>{"t"});
  o.set("group", std::string("g"));
  o.set("connect_timeout", Duration(200ms));
  return o;
}

/// What a start with these options says; empty: it starts.
std::string start(const Options& o) {
  log::set_level(log::Level::off);
  const Context context;
  const auto source = source_type().make({"in", o, Level::stored, {}, context});
  const auto opened = source->open();
  return opened ? "" : opened.error().message;
}

/// What `weir check` says to them; empty: nothing.
std::string checked(const Options& o) {
  const Context context;
  const auto fit = source_type().make({"in", o, Level::stored, {}, context})->check();
  return fit ? "" : fit.error().message;
}

}  // namespace

TEST(KafkaClient, IsCheckedWithoutAConnectionAndWithoutWhatThisMachineHasNot) {
  Options o = options();
  EXPECT_EQ(checked(o), "");
  for (const char* good : {"db", "db:9092", "[::1]:9092", "SASL_SSL://db:1", "db:1,other:1"})
    EXPECT_EQ(checked(options({good})), "");
  for (const char* bad : {":9092", "db:", "db:0", "db:66000", "db:http", "[::1:9092", "a b:1", "db:1,:2"})
    EXPECT_THAT(checked(options({bad})), HasSubstr("brokers: ")) << bad;
  for (const char* bad : {"a b", "..", "orders/1", "größe"}) {
    o.set("topics", std::vector<std::string>{"t", bad});
    EXPECT_THAT(checked(o), HasSubstr("is no name of a topic")) << bad;
  }
  o = options();
  o.set("librdkafka", Options::Table{{"no.such.thing", "x"}});
  EXPECT_THAT(checked(o), HasSubstr("no.such.thing is no setting of it"));
  o = options();
  o.set("sasl", std::string("PLAIN"));
  o.set("user", std::string("me"));
  o.set("password_env", std::string("WEIR_TEST_NO_SUCH_VARIABLE"));
  EXPECT_EQ(checked(o), "") << "another machine may have it";
}

TEST(KafkaClient, SaysThatNobodyAnswersWhereAndWhy) {
  Options o = options();
  o.set("connect_timeout", Duration(3s));  // time for the system to say why
  const auto error = start(o);
  EXPECT_THAT(error, HasSubstr("brokers 127.0.0.1:9 do not answer: "));
  EXPECT_THAT(error, HasSubstr("Connection refused"));
  EXPECT_THAT(error, Not(HasSubstr("\n")));
}

TEST(KafkaClient, FindsItsTopics) {
  MockCluster cluster;
  cluster.create("t", 1);
  Options o = options({cluster.address()});
  o.set("connect_timeout", Duration(10s));
  EXPECT_EQ(start(o), "");
}

TEST(KafkaClient, AnOverrideOfWhatHasAnOptionNamesTheOption) {
  Options o = options();
  o.set("librdkafka", Options::Table{{"group.id", "other"}});
  EXPECT_EQ(start(o), "librdkafka: group.id has an option of its own: use group");
  o.set("librdkafka", Options::Table{{"metadata.broker.list", "other:9092"}});
  EXPECT_EQ(start(o), "librdkafka: metadata.broker.list has an option of its own: use brokers");
}

TEST(KafkaClient, AnOverrideThatWouldBreakAPromiseIsRefused) {
  Options o = options();
  o.set("librdkafka", Options::Table{{"enable.auto.commit", "true"}});
  EXPECT_EQ(start(o), "librdkafka: enable.auto.commit is not yours to set: a promise depends on it");
}

TEST(KafkaClient, AWrongOverrideIsNamedWithoutItsValue) {
  Options o = options();
  o.set("librdkafka", Options::Table{{"no.such.thing", "hidden"}});
  EXPECT_EQ(start(o), "librdkafka: no.such.thing is no setting of it: see its CONFIGURATION.md");
  o.set("librdkafka", Options::Table{{"socket.timeout.ms", "hidden"}});
  EXPECT_EQ(start(o), "librdkafka: socket.timeout.ms does not take this value: see its CONFIGURATION.md");
}

TEST(KafkaClient, WantsAWholeLogin) {
  Options o = options();
  o.set("user", std::string("me"));
  EXPECT_THAT(start(o), HasSubstr("user without sasl"));
  o.set("sasl", std::string("PLAIN"));
  EXPECT_THAT(start(o), HasSubstr("sasl needs a password"));
  o.set("password_env", std::string("WEIR_TEST_NO_SUCH_VARIABLE"));
  EXPECT_EQ(start(o), "password_env: the environment holds no WEIR_TEST_NO_SUCH_VARIABLE");
  o.set("password_file", std::string("/none"));
  EXPECT_THAT(start(o), HasSubstr("sasl needs a password"));
}

TEST(KafkaClient, NeverTellsAPassword) {
  setenv("WEIR_TEST_KAFKA_PASSWORD", "h1dden", 1);
  Options o = options();
  o.set("sasl", std::string("PLAIN"));
  o.set("user", std::string("me"));
  o.set("password_env", std::string("WEIR_TEST_KAFKA_PASSWORD"));
  EXPECT_THAT(start(o), Not(HasSubstr("h1dden")));
  o.set("librdkafka", Options::Table{{"sasl.password", "h1dden"}});
  const auto error = start(o);
  EXPECT_THAT(error, HasSubstr("use password_env"));
  EXPECT_THAT(error, Not(HasSubstr("h1dden")));
}

TEST(KafkaClient, TlsFilesWithoutTlsAreAMistake) {
  Options o = options();
  o.set("tls_ca", std::string("ca.pem"));
  EXPECT_EQ(start(o), "tls_ca without tls: add tls: true");
}

}  // namespace weir::kafka
