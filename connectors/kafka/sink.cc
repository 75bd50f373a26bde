#include "sink.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <array>

namespace weir::kafka {
namespace {

constexpr int look_around_ms = 100;  // the longest wait for reports, during which a cancel is not noticed

/// Whether the message will never be taken, however often it is sent.
bool is_for_good(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP: return true;
    default: return false;
  }
}

using Headers = std::unique_ptr<rd_kafka_headers_t, Destroy<rd_kafka_headers_destroy>>;

/// Given one by one they would be the library's, which frees them twice when the topic has just gone away (its issue
/// 4627).
Headers headers_of(const Envelope& envelope) {
  if (envelope.headers.empty()) return nullptr;
  Headers headers(rd_kafka_headers_new(envelope.headers.size()));
  for (const auto& [name, value] : envelope.headers)
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  return headers;
}

}  // namespace

KafkaSink::KafkaSink(Result<ProducerConfig> config, const Context& context)
    : config_(std::move(config)), context_(context) {}

Result<void> KafkaSink::check() const {
  if (!config_) return std::unexpected(config_.error());
  const auto in = [&](Error error) {
    error.message = fmt::format("{}: {}", config_->client.part, error.message);
    return std::unexpected(std::move(error));
  };
  if (auto maker = EnvelopeMaker::compile(config_->key, config_->headers, config_->largest); !maker)
    return in(maker.error());
  if (auto named = check_topic("topic", config_->topic); !named) return in(named.error());
  if (auto fit = Client::check(config_->client); !fit) return in(fit.error());
  return {};
}

Result<void> KafkaSink::open() {
  if (!config_) return std::unexpected(config_.error());
  auto maker = EnvelopeMaker::compile(config_->key, config_->headers, config_->largest);
  if (maker) envelopes_ = std::move(*maker);
  if (maker && config_->keep_priorities) envelopes_->keep_priorities();
  auto opened = maker ? connect() : std::unexpected(maker.error());
  if (opened) opened = client_->await_topics({&config_->topic, 1}, config_->connect_timeout);
  if (opened) return opened;
  return std::unexpected(
      Error{opened.error().kind, fmt::format("{}: {}", config_->client.part, opened.error().message), Duration{0}});
}

Result<void> KafkaSink::connect() {
  auto client = make_client();
  if (!client) return std::unexpected(client.error());
  return produce_with(std::move(*client));
}

Result<void> KafkaSink::produce_with(std::unique_ptr<Client> client) {
  client_ = std::move(client);
  topic_.reset(rd_kafka_topic_new(client_->get(), config_->topic.c_str(), nullptr));
  if (!topic_) return failure(fmt::format("topic {}: {}", config_->topic, text_of(rd_kafka_last_error())));
  return {};
}

/// With what the files say now; as long as they cannot be read, with what they said at the start.
Result<std::unique_ptr<Client>> KafkaSink::make_client() {
  const auto again = read_again(config_->client);
  return Client::create(RD_KAFKA_PRODUCER, again ? *again : config_->client, *this, context_);
}

/// There is no other way to find out whether librdkafka can use the files than to make a client.
Result<std::string> KafkaSink::on_hangup() {
  const std::string files = config_ ? files_of(config_->client) : std::string();
  if (files.empty()) return {};
  const auto again = read_again(config_->client);
  auto client = again ? Client::create(RD_KAFKA_PRODUCER, *again, *this, context_) : std::unexpected(again.error());
  if (!client)
    return failure(fmt::format("{}: {}: it keeps the {} it has", terminal_text(files), client.error().message,
                               kinds_of_files(config_->client)));
  std::lock_guard lock(renewal_);
  renewed_ = std::move(*client);
  return fmt::format("has read its {} again, for its next delivery", kinds_of_files(config_->client));
}

std::unique_ptr<Client> KafkaSink::take_renewed() {
  std::lock_guard lock(renewal_);
  return std::move(renewed_);
}

void KafkaSink::close() {
  if (!client_) return;
  rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_poll(client_->get(), 0);
  topic_.reset();
  client_.reset();
}

Delivery KafkaSink::again(std::string why) {
  return Delivery::again(Error{Error::Kind::overloaded, fmt::format("{}: {}", config_->client.part, why), Duration{0}});
}

Delivery KafkaSink::deliver(std::span<const Batch> batches) {
  if (auto renewed = take_renewed()) {
    if (outgoing_.on_its_way() > 0) outgoing_.lose_all();
    close();
    if (auto made = produce_with(std::move(renewed)); !made) return again(made.error().message);
  }
  if (!client_)
    if (auto made = connect(); !made) return again(made.error().message);
  outgoing_.take(batches);
  const TimePoint end = context_.now() + config_->timeout;
  for (;;) {
    // A flush sends at once; with a poll messages would linger for a fuller batch.
    if (hand_over(batches))
      rd_kafka_flush(client_->get(), look_around_ms);
    else
      rd_kafka_poll(client_->get(), look_around_ms);
    if (outgoing_.done()) break;
    char why[256] = "";
    if (rd_kafka_fatal_error(client_->get(), why, sizeof why)) {
      outgoing_.lose_all();
      close();
      return again(fmt::format("begins anew: {}", terminal_text(why)));
    }
    if (outgoing_.has_failed() && outgoing_.on_its_way() == 0) return again(outgoing_.take_failure());
    if (cancelled_) return again("stopped");
    if (context_.now() < end) continue;
    const auto trouble = client_->trouble();
    return again(trouble.empty()
                     ? fmt::format("no answer for topic {} within {:g} s", config_->topic, seconds(config_->timeout))
                     : trouble);
  }
  client_->well();
  return {.outcome = Delivery::Outcome::done, .error = {}, .refused = outgoing_.finish()};
}

bool KafkaSink::hand_over(std::span<const Batch> batches) {
  while (const auto place = outgoing_.next()) {
    const Batch& batch = batches[place->batch];
    const Envelope& envelope = envelopes_->make(batch, place->event);
    void* const token = outgoing_.sent();
    const auto error = produce(envelope, batch.info(), token);
    if (!error) continue;
    if (is_for_good(error))
      outgoing_.refused(token, fmt::format("{} bytes: {}", envelope.value.size(), text_of(error)));
    else
      outgoing_.failed(token, error == RD_KAFKA_RESP_ERR__QUEUE_FULL ? "" : std::string(text_of(error)));
    if (!is_for_good(error)) return false;
  }
  return true;
}

rd_kafka_resp_err_t KafkaSink::produce(const Envelope& envelope, const BatchInfo& info, void* token) {
  std::array<rd_kafka_vu_t, 7> parts{};
  std::size_t n = 0;
  const auto part = [&](rd_kafka_vtype_t type) -> auto& {
    parts[n].vtype = type;
    return parts[n++].u;
  };
  const auto bytes = [](std::string_view text) { return const_cast<char*>(text.data()); };
  part(RD_KAFKA_VTYPE_RKT).rkt = topic_.get();
  part(RD_KAFKA_VTYPE_MSGFLAGS).i = RD_KAFKA_MSG_F_COPY;
  part(RD_KAFKA_VTYPE_VALUE).mem = {bytes(envelope.value), envelope.value.size()};
  if (envelope.key) part(RD_KAFKA_VTYPE_KEY).mem = {bytes(*envelope.key), envelope.key->size()};
  part(RD_KAFKA_VTYPE_OPAQUE).ptr = token;
  part(RD_KAFKA_VTYPE_TIMESTAMP).i64 =
      std::chrono::duration_cast<std::chrono::milliseconds>(info.received_wall.time_since_epoch()).count();
  Headers headers = headers_of(envelope);
  if (headers) part(RD_KAFKA_VTYPE_HEADERS).headers = headers.get();
  const KafkaError error(rd_kafka_produceva(client_->get(), parts.data(), n));
  if (error) return rd_kafka_error_code(error.get());
  headers.release();  // the message's now
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void KafkaSink::on_delivered(const rd_kafka_message_t& message) {
  if (!message.err)
    outgoing_.arrived(message._private);
  else if (is_for_good(message.err))
    outgoing_.refused(message._private, fmt::format("{} bytes: {}", message.len, text_of(message.err)));
  else
    outgoing_.failed(message._private, std::string(text_of(message.err)));
}

}  // namespace weir::kafka
