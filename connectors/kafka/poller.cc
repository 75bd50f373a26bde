#include "poller.h"

#include <fmt/format.h>
#include <pthread.h>
#include <syslog.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <utility>

#include "log/log.h"

namespace weir::kafka {
namespace {

constexpr std::int64_t longest_run = 1 << 30;  // offsets: events of a piece are numbered by them
constexpr int poll_ms = 50;                    // then requests of other threads are handled
constexpr auto look_again = std::chrono::milliseconds(10);
constexpr auto longest_hold = std::chrono::milliseconds(50);
constexpr auto most_to_leave = std::chrono::seconds(3);
constexpr int most_kept = 8;  // each has threads and buffers of its own, until the process ends
constexpr auto come_back_after = std::chrono::seconds(10);

}  // namespace

Poller::Poller(const PollerConfig& config, Handoff& handoff, const Context& context)
    : config_(config), handoff_(handoff), context_(context), pause_policy_(config.watermarks) {}

Poller::~Poller() { join(); }

void Poller::join() {
  stop();
  abandon();
  if (thread_.joinable()) thread_.join();
}

Result<void> Poller::open() {
  used_ = contents_of(config_.client);
  auto client = Client::create(RD_KAFKA_CONSUMER, config_.client, *this, context_);
  if (!client) return std::unexpected(std::move(client.error()));
  client_ = std::move(*client);
  return client_->await_topics(config_.topics, config_.connect_timeout);
}

void Poller::start(std::function<void()> finished) {
  finished_ = std::move(finished);
  thread_ = std::thread([this] { run(); });
}

/// There is no other way to find out whether librdkafka can use the files than to make a client.
Result<bool> Poller::renew() {
  const auto again = read_again(config_.client);
  if (!again) return std::unexpected(again.error());
  const KeyHash contents = contents_of(*again);
  {
    std::lock_guard lock(mutex_);
    if (contents == used_) return false;
  }
  auto client = Client::create(RD_KAFKA_CONSUMER, *again, *this, context_);
  if (!client) return std::unexpected(std::move(client.error()));
  std::shared_ptr<Client> fresh = std::move(*client);
  {
    std::lock_guard lock(mutex_);
    used_ = contents;
    renewed_.swap(fresh);  // one that was not taken yet is destroyed without the lock
  }
  has_renewed_ = true;
  wake();
  return true;
}

void Poller::stop() {
  stopping_ = true;
  wake();
}

void Poller::abandon() {
  abandoned_ = true;
  wake();
}

void Poller::wake() {
  handoff_.wake();
  std::lock_guard lock(mutex_);
  if (!client_) return;
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(handle());
  if (!queue) return;
  rd_kafka_queue_yield(queue);
  rd_kafka_queue_destroy(queue);
}

Poller::Counts Poller::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

void Poller::run() {
  pthread_setname_np(pthread_self(), "kafka-poll");
  join_group();
  for (;;) {
    serve();
    if (fatal_)
      come_back();
    else if (!stopping_)
      change_over();
    if (stopping_) break;
  }
  finish();
}

void Poller::join_group() {
  rd_kafka_poll_set_consumer(handle());
  if (const auto joins = client_->subscribe(config_.topics); !joins) client_->log(LOG_ERR, joins.error().message);
}

void Poller::serve() {
  while (!stopping_ && !fatal_ && !has_renewed_) turn();
}

void Poller::turn() {
  const auto now = context_.now();
  if (now >= next_store_) {
    store();
    next_store_ = now + config_.commit_interval / 2;  // librdkafka's timer is the other half
  }
  begin_again();
  ask_again(now);
  if (pause_policy_.paused() && now >= next_lag_) look_how_far_behind(now);
  switch (pause_policy_.next(handoff_.waiting(), now)) {
    case PausePolicy::Step::wait: return hold_still();
    case PausePolicy::Step::pause: set_paused(true); break;
    case PausePolicy::Step::resume: set_paused(false); break;
    case PausePolicy::Step::poll: break;
  }
  poll();
}

/// Waits until half is free, so that a wake-up is worth its cost; with a slow flow the wait ends by time.
void Poller::hold_still() {
  const Load half{config_.watermarks.high.events / 2, Bytes(config_.watermarks.high.bytes.count() / 2)};
  const auto store_again = std::chrono::ceil<std::chrono::milliseconds>(config_.commit_interval / 2);
  handoff_.wait_for_room(half, std::min<std::chrono::milliseconds>(longest_hold, store_again));
}

/// One message, or an event of the group, is waited for; what is there besides is taken without waiting.
void Poller::poll() {
  std::uint64_t taken = 0;
  for (int wait = poll_ms;; wait = 0) {
    Message message(rd_kafka_consumer_poll(handle(), wait));
    if (!message || !take(std::move(message))) break;
    if (++taken >= config_.run.events) break;
  }
  flush();
}

/// False: it was no message.
bool Poller::take(Message message) {
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    on_end(*message);
    return true;
  }
  if (message->err) {
    complain(*message);
    return false;
  }
  if (message->rkt != topic_ || message->partition != partition_ || run_.empty()) {
    flush();
    topic_ = message->rkt;
    partition_ = message->partition;
    index_ = handoff_.index_of(rd_kafka_topic_name(topic_), partition_);
    next_ = handoff_.next(index_);
  }
  delivered_bytes_ += message->len + message->key_len;
  if (next_ != unknown_offset && message->offset < next_) return true;  // it is on its way already
  if (next_ != message->offset) on_gap(*message, next_);
  if (!run_.empty() && message->offset - run_.front()->offset >= longest_run) flush();
  next_ = message->offset + 1;
  run_bytes_ += Bytes(message->len);
  run_.push_back(std::move(message));
  if (run_.size() >= config_.run.events || run_bytes_ >= config_.run.bytes) flush();
  return true;
}

void Poller::flush() {
  if (run_.empty()) return;
  client_->well();
  handoff_.offer(index_, std::move(run_), run_bytes_);
  run_.clear();
  run_bytes_ = {};
}

void Poller::complain(const rd_kafka_message_t& error) {
  fatal_ = fatal_ || error.err == RD_KAFKA_RESP_ERR__FATAL;
  const bool damaged = error.err == RD_KAFKA_RESP_ERR__BAD_MSG || error.err == RD_KAFKA_RESP_ERR__BAD_COMPRESSION;
  const char* text = rd_kafka_message_errstr(&error);
  if (!text) text = rd_kafka_err2str(error.err);
  if (!damaged || !error.rkt) return client_->log(LOG_WARNING, text);
  flush();
  stop_at_damage(error, text);
}

/// Everything before its offset has been delivered to us, or is not there.
void Poller::on_end(const rd_kafka_message_t& end) {
  flush();
  client_->well();
  handoff_.reached_end(handoff_.index_of(rd_kafka_topic_name(end.rkt), end.partition), end.offset);
}

/// Offsets are missing before this message: they were lost, or Kafka uses them itself.
void Poller::on_gap(const rd_kafka_message_t& message, std::int64_t expected) {
  const char* topic = rd_kafka_topic_name(message.rkt);
  if (expected == unknown_offset) return;
  std::int64_t low = -1, high = -1;
  const auto now = context_.now();
  if (now >= next_look_) {  // compacted topics have many gaps: not each is worth a query
    next_look_ = now + std::chrono::seconds(1);
    rd_kafka_query_watermark_offsets(handle(), topic, message.partition, &low, &high, 1000);
  } else {
    rd_kafka_get_watermark_offsets(handle(), topic, message.partition, &low, &high);
  }
  const auto lost = std::min(low, message.offset) - expected;
  if (lost <= 0) return;
  client_->log(LOG_ERR, fmt::format("topic {}, partition {}: {} messages from offset {} on were deleted before they "
                                    "were read: keep them for longer (retention.ms, retention.bytes), or read faster",
                                    topic, message.partition, lost, expected));
  std::lock_guard lock(mutex_);
  counts_.lost += static_cast<std::uint64_t>(lost);
}

/// Waits until everything in the flow has settled, commits, and leaves the group.
void Poller::finish() {
  handoff_.close();
  if (client_) set_paused(true);
  while (client_ && handoff_.given() > 0 && !abandoned_)
    if (Message message{rd_kafka_consumer_poll(handle(), static_cast<int>(look_again.count()))};
        message && message->err == RD_KAFKA_RESP_ERR__FATAL)
      break;
  if (client_) commit_now();
  leaving_ = true;
  finished_();
  if (client_) leave();
}

/// rd_kafka_consumer_close would wait for brokers that do not answer for as long as a session.
void Poller::leave() {
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(handle());
  const KafkaError error(rd_kafka_consumer_close_queue(handle(), queue));
  rd_kafka_queue_destroy(queue);
  const auto rounds = most_to_leave / look_again;
  for (auto i = 0; !error && !rd_kafka_consumer_closed(handle()) && i < rounds; ++i)
    Message(rd_kafka_consumer_poll(handle(), static_cast<int>(look_again.count())));
}

/// A handle that has met a fatal error never works again.
void Poller::come_back() {
  char why[512] = "";
  rd_kafka_fatal_error(handle(), why, sizeof why);
  client_->log(LOG_ERR, fmt::format("Kafka has shut this consumer out: {}; it joins again in 10 s. Is there another "
                                    "one with the same instance_id?",
                                    terminal_text(why)));
  leaving_ = true;
  leave();
  leaving_ = false;
  change_to(nullptr);
  if (Client::kept() >= most_kept) {
    log::error({config_.client.part, ""},
               "was shut out {} times while it joined, and joins no more: start this process again", most_kept);
    while (!stopping_) handoff_.wait(look_again);
    return;
  }
  while (!stopping_) {
    for (auto end = context_.now() + come_back_after; !stopping_ && context_.now() < end;) handoff_.wait(look_again);
    auto fresh = take_renewed();
    if (!fresh) {
      const auto again = read_again(config_.client);
      if (auto made = Client::create(RD_KAFKA_CONSUMER, again ? *again : config_.client, *this, context_))
        fresh = std::move(*made);
    }
    if (!fresh) continue;
    change_to(std::move(fresh));
    fatal_ = false;
    return join_group();
  }
}

/// What is in the flow settles and is committed while the group takes the partitions away; it gets them back.
void Poller::change_over() {
  // One that is about to hear what is its own is not left before; one that cannot log in hears nothing.
  for (const auto end = context_.now() + most_to_leave;
       client_->is_joining() && client_->trouble().empty() && context_.now() < end && !stopping_ && !fatal_;)
    turn();
  if (stopping_ || fatal_) return;
  auto fresh = take_renewed();
  if (!fresh) return;
  flush();
  client_->log(LOG_NOTICE, "leaves its group for a moment, to join it with what its files hold now");
  leave();
  change_to(std::move(fresh));
  join_group();
}

/// The one before, to be destroyed without the lock. Nothing is known yet of the new one.
std::shared_ptr<Client> Poller::change_to(std::shared_ptr<Client> client) {
  pause_policy_ = PausePolicy(config_.watermarks);
  paused_.clear();
  std::lock_guard lock(mutex_);
  client_.swap(client);
  return client;
}

std::shared_ptr<Client> Poller::take_renewed() {
  std::lock_guard lock(mutex_);
  has_renewed_ = false;
  return std::move(renewed_);
}

}  // namespace weir::kafka
