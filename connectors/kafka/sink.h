#pragma once
/// Sink `kafka`: a message an event, from an idempotent producer with acks=all; a delivery is done when the brokers
/// have reported every message. README.md has its guarantees.
///
///   queue of the producer full      waits for room, never drops
///   the time of a call is over      `again`, the messages stay on their way (see outgoing_group.h)
///   too large, not a record         that event alone is refused
///   anything else                   `again`, with the error of the brokers
///   the producer is beyond repair   a new one, and what was on its way is sent again: at least once
///   its certificates were replaced  likewise; the old one stays as long as the new ones cannot be used
///
/// Thread: one worker, one producer. Cost: about 1 us an event, most of it librdkafka's. Memory: `memory` twice, once
/// as messages and once in requests. On cancel: a call ends within 0.1 s, its outcome unknown. Ref: KIP-98 (idempotent
/// producer).
#include <weir/component/catalog.h>

#include <atomic>
#include <mutex>
#include <optional>

#include "client.h"
#include "envelope.h"
#include "outgoing_group.h"

namespace weir::kafka {

struct ProducerConfig {
  ClientConfig client;
  std::string topic, key;
  Options::Table headers;
  Bytes largest;
  Duration timeout, connect_timeout;
  bool keep_priorities = false;  ///< messages are records of a journal
};

/// What a sink and the writing side of a journal have in common.
std::vector<OptionSpec> producer_options();
Result<ProducerConfig> read_producer(std::string part, const Options& options);
std::vector<Footprint> producer_footprint(const Options& options);

class KafkaSink : public Sink, private ClientHooks {
 public:
  KafkaSink(Result<ProducerConfig> config, const Context& context);
  ~KafkaSink() override { close(); }
  Result<void> check() const override;
  Result<void> open() override;
  Delivery deliver(std::span<const Batch> batches) override;
  void cancel() override { cancelled_ = true; }
  Result<std::string> on_hangup() override;
  void close() override;

 private:
  Result<void> connect();
  Result<std::unique_ptr<Client>> make_client();
  Result<void> produce_with(std::unique_ptr<Client> client);
  std::unique_ptr<Client> take_renewed();
  /// Whether all of it could be handed over.
  bool hand_over(std::span<const Batch> batches);
  rd_kafka_resp_err_t produce(const Envelope& envelope, const BatchInfo& info, void* token);
  void on_delivered(const rd_kafka_message_t& message) override;
  Delivery again(std::string why);

  const Result<ProducerConfig> config_;
  const Context& context_;
  std::mutex renewal_;
  std::unique_ptr<Client> renewed_;  // with what its files say now, from the next call on
  std::unique_ptr<Client> client_;
  std::unique_ptr<rd_kafka_topic_t, Destroy<rd_kafka_topic_destroy>> topic_;
  std::optional<EnvelopeMaker> envelopes_;
  OutgoingGroup outgoing_;
  std::atomic<bool> cancelled_{false};
};

SinkType sink_type();

}  // namespace weir::kafka
