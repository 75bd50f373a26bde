/// The least that reads a topic: librdkafka's consumer, one message after the other, its own prefetch and its own
/// commits each second. And what fills the topic before: events of 200 bytes, as fast as it takes them.
///
///   bench_floor_kafka --brokers ADDRESS --topic NAME --events N --produce
///   bench_floor_kafka --brokers ADDRESS --topic NAME --events N --group NAME     one line of JSON: CPU of the process
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <CLI/CLI.hpp>
#include <string>

#include "support.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t at_once = 1000;

struct Setup {
  std::string brokers, topic, group;
  std::uint64_t events = 0;
};

rd_kafka_t* make(rd_kafka_type_t type, std::initializer_list<std::pair<const char*, std::string>> settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[256];
  for (const auto& [name, value] : settings)
    if (rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) fail(why);
  rd_kafka_t* handle = rd_kafka_new(type, conf, why, sizeof why);
  if (!handle) fail(why);
  return handle;
}

void produce(const Setup& setup) {
  rd_kafka_t* handle =
      make(RD_KAFKA_PRODUCER,
           {{"bootstrap.servers", setup.brokers}, {"linger.ms", "20"}, {"acks", "all"}, {"log_level", "0"}});
  rd_kafka_topic_t* topic = rd_kafka_topic_new(handle, setup.topic.c_str(), nullptr);
  EventText text("kafka", at_once);
  for (std::uint64_t sent = 0; sent < setup.events;) {
    const std::string_view lines = text.with_ids(sent);
    for (std::uint32_t i = 0; i < at_once && sent < setup.events; ++i, ++sent) {
      auto* event = const_cast<char*>(lines.data()) + std::size_t{i} * EventText::event_size;
      while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, event, EventText::event_size - 1,
                              event + text.id_offset(), text.id_size(), nullptr) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail(rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(handle, 10);
      }
    }
    rd_kafka_poll(handle, 0);
  }
  if (rd_kafka_flush(handle, 60'000)) fail("the brokers did not take everything within a minute");
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(handle);
}

void consume(const Setup& setup) {
  rd_kafka_t* handle = make(RD_KAFKA_CONSUMER, {{"bootstrap.servers", setup.brokers},
                                                {"group.id", setup.group},
                                                {"auto.offset.reset", "earliest"},
                                                {"auto.commit.interval.ms", "1000"},
                                                {"queued.max.messages.kbytes", "8192"},
                                                {"log_level", "0"}});
  rd_kafka_poll_set_consumer(handle);
  rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, setup.topic.c_str(), RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(handle, topics);
  std::uint64_t got = 0, first = 0;
  for (const auto end = wall_ns() + 120'000'000'000; got < setup.events;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(handle, 100);
    if (wall_ns() > end) fail(fmt::format("{} of {} messages within two minutes", got, setup.events));
    if (!message) continue;
    if (message->err) fail(rd_kafka_message_errstr(message));
    if (got++ == 0) first = wall_ns();
    rd_kafka_message_destroy(message);
  }
  const auto took = wall_ns() - first;
  rd_kafka_commit(handle, nullptr, 0);
  fmt::print("{{\"events\":{},\"cpu_us\":{:.0f},\"seconds\":{:.3f}}}\n", got,
             static_cast<double>(process_cpu_ns()) / 1e3, static_cast<double>(took) / 1e9);
  std::fflush(stdout);
  rd_kafka_topic_partition_list_destroy(topics);
  rd_kafka_consumer_close(handle);
  rd_kafka_destroy(handle);
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  weir::bench::Setup setup;
  bool produce = false;
  CLI::App app("A bare librdkafka loop");
  app.add_option("--brokers", setup.brokers)->required();
  app.add_option("--topic", setup.topic)->required();
  app.add_option("--events", setup.events)->required();
  app.add_option("--group", setup.group);
  app.add_flag("--produce", produce, "fill the topic instead of reading it");
  CLI11_PARSE(app, argc, argv);
  produce ? weir::bench::produce(setup) : weir::bench::consume(setup);
}
