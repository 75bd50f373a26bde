#include <fmt/format.h>

#include "sink.h"

namespace weir::kafka {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t most_messages = 20'000;  // waiting in the producer, about 256 bytes each beside their text
constexpr Bytes message_overhead{256};

Bytes memory(const Options& o) { return o.get_or<Bytes>("memory", 8_MiB); }
Bytes largest(const Options& o) { return o.get_or<Bytes>("max_message", 1_MiB); }

Result<void> check(const Options& o) {
  if (largest(o) < 1_KiB || largest(o) > 16_MiB) return failure("max_message must be between 1KiB and 16MiB");
  if (memory(o) < largest(o) || memory(o) > 1_GiB) return failure("memory must be between max_message and 1GiB");
  if (o.text("topic").empty()) return failure("topic is empty: name the topic to write to");
  for (const char* option : {"timeout", "connect_timeout"})
    if (o.get_or<Duration>(option, 1s) < 100ms || o.get_or<Duration>(option, 1s) > 10min)
      return failure(fmt::format("{} must be between 100ms and 10m", option));
  return {};
}

}  // namespace

std::vector<OptionSpec> producer_options() {
  using enum OptionKind;
  auto all = client_options();
  const std::vector<OptionSpec> own{
      {"topic", text, {}, true, "The topic to write to; it must be there."},
      {"compression",
       choice,
       "none",
       false,
       "How batches of messages are compressed.",
       {"none", "gzip", "snappy", "lz4", "zstd"}},
      {"max_message", size, "1MiB", false,
       "The longest message; no longer than the topic's max.message.bytes. A longer event is refused."},
      {"memory", size, "8MiB", false, "Messages that wait in the producer; then it waits for the brokers."},
      {"timeout", duration, "30s", false,
       "After so long without the brokers' word a delivery is trouble; its messages stay on their way."},
      {"connect_timeout", duration, "10s", false, "At the start the brokers must answer within this."},
  };
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

Result<ProducerConfig> read_producer(std::string part, const Options& o) {
  const auto in = [&, part](Error error) {
    error.message = fmt::format("{}: {}", part, error.message);
    return std::unexpected(std::move(error));
  };
  if (auto checked = check(o); !checked) return in(checked.error());
  auto client = read_client(part, o);
  if (!client) return in(client.error());
  const std::vector<Setting> ours{
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"message.timeout.ms", "0"},        // the pipeline decides how long to try
      {"partitioner", "murmur2_random"},  // as Java's clients do: one key has one partition for all producers
      {"linger.ms", "5"},
      {"compression.codec", o.get_or<std::string>("compression", "none"), "compression"},
      {"message.max.bytes", std::to_string(largest(o).count()), "max_message"},
      {"queue.buffering.max.kbytes", std::to_string(memory(o).count() >> 10), "memory"},
      {"queue.buffering.max.messages", std::to_string(most_messages), "memory"},
  };
  client->settings.insert(client->settings.end(), ours.begin(), ours.end());
  return ProducerConfig{.client = std::move(*client),
                        .topic = o.text("topic"),
                        .key = o.get_or<std::string>("key", ""),
                        .headers = o.table("headers"),
                        .largest = largest(o),
                        .timeout = o.get_or<Duration>("timeout", 30s),
                        .connect_timeout = o.get_or<Duration>("connect_timeout", 10s)};
}

std::vector<Footprint> producer_footprint(const Options& o) {
  Footprint messages{.fixed = memory(o), .per_unit = message_overhead, .max_units = most_messages, .unit = "message"};
  Footprint requests{.fixed = Bytes(memory(o).count() + 2 * largest(o).count()) + client_footprint,
                     .per_unit = {},
                     .max_units = 0,
                     .unit = "requests"};
  requests.soft = true;
  return {messages, requests};
}

SinkType sink_type() {
  using enum OptionKind;
  SinkType type;
  type.name = "kafka";
  type.summary = "writes each event to a topic of Apache Kafka, and believes it stored when all replicas have it";
  type.options = producer_options();
  const std::vector<OptionSpec> own{
      {"key",
       expression,
       {},
       false,
       "The path of an event's key; events with one key keep their order. An empty one is none."},
      {"headers", table, {}, false, "Headers of each message, as name: path in the event."},
  };
  type.options.insert(type.options.end(), own.begin(), own.end());
  type.ack = [](const Options&) { return SinkAck::received; };
  type.max_workers = [](const Options&) { return 16; };
  type.footprint = [](const Options& o, Load) { return producer_footprint(o); };
  type.make = [](const SinkSetup& setup) {
    return std::make_unique<KafkaSink>(read_producer("sink " + setup.name, setup.options), setup.context);
  };
  return type;
}

}  // namespace weir::kafka
