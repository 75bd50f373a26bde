#pragma once
/// Owns a handle of librdkafka: made from one ClientConfig, destroyed with its object, with callbacks as methods.
///
///   create         sets what is owned, then the overrides; librdkafka's own complaint about a setting is the error
///   await_topics   at start: asks the brokers for these topics. Wrong address, credentials or topic are one line
///   trouble        what is wrong with the connections now, "" when nothing is: for `why`, and for errors of a sink
///
/// What librdkafka logs goes to the log, at most 10 lines at once and one each 10 s after that; what was left out is
/// counted in the next line. Connection errors are told to `trouble` and logged once for each text.
///
/// Thread: `create` and destruction one owner; `trouble` and `well` any; hooks are called on the thread that polls.
/// Cost: as librdkafka. Memory: librdkafka's, see `client_footprint`. On cancel: destruction ends its threads, within
/// about a second when a broker does not answer.
/// Ref: librdkafka INTRODUCTION.md.
#include <librdkafka/rdkafka.h>
#include <weir/base/context.h>
#include <weir/base/result.h>
#include <weir/flow/admit/token_bucket.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "client_options.h"

namespace weir::kafka {

template <auto destroy>
struct Destroy {
  void operator()(auto* p) const { destroy(p); }
};
using Message = std::unique_ptr<rd_kafka_message_t, Destroy<rd_kafka_message_destroy>>;
using PartitionList =
    std::unique_ptr<rd_kafka_topic_partition_list_t, Destroy<rd_kafka_topic_partition_list_destroy>>;  ///< of topics
using KafkaError = std::unique_ptr<rd_kafka_error_t, Destroy<rd_kafka_error_destroy>>;

PartitionList make_partition_list(std::size_t room = 4);
std::string_view text_of(rd_kafka_resp_err_t error);

/// What librdkafka tells its owner, on the thread that polls.
class ClientHooks {
 public:
  virtual ~ClientHooks() = default;
  /// A consumer's partitions change: must assign or unassign them.
  virtual void on_rebalance(rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t&) {}
  virtual void on_committed(rd_kafka_resp_err_t, const rd_kafka_topic_partition_list_t*) {}
  /// A producer's message has arrived, or never will (`err`).
  virtual void on_delivered(const rd_kafka_message_t&) {}
  /// Each statistics.interval.ms, if set.
  virtual void on_statistics(std::string_view json) { (void)json; }
};

class Client {
 public:
  /// The hooks must outlive it.
  static Result<std::unique_ptr<Client>> create(rd_kafka_type_t type, const ClientConfig& config, ClientHooks& hooks,
                                                const Context& context);
  /// What `create` would refuse whatever the machine is like: nothing is connected to.
  static Result<void> check(const ClientConfig& config);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* get() const { return handle_; }
  const std::string& part() const { return part_; }

  /// Until the brokers know them all, or until `within` is over; wrong credentials do not wait, a missing topic 3 s: a
  /// new one is not known to each broker at once.
  Result<void> await_topics(std::span<const std::string> topics, Duration within);
  /// A consumer joins its group; what it is given comes by `on_rebalance`.
  Result<void> subscribe(const std::vector<std::string>& topics);
  /// It has not heard yet what is its own; then it should not be left (`kept`).
  bool is_joining() const { return !can_be_destroyed(); }
  /// How many clients of this process could not be destroyed, and live on until it ends.
  static int kept() { return kept_.load(std::memory_order_relaxed); }
  std::string trouble() const;
  /// To be called when something worked: it clears `trouble`.
  void well() {
    if (troubled_.load(std::memory_order_relaxed)) clear_trouble();
  }
  /// One line of this part's, within the bound of all its lines.
  void log(int syslog_level, std::string_view text);

 private:
  Client(const ClientConfig& config, ClientHooks& hooks, const Context& context);
  Result<void> open(rd_kafka_type_t type, const ClientConfig& config);
  static Result<void> configure(rd_kafka_conf_t* conf, const ClientConfig& config);
  void set_callbacks(rd_kafka_conf_t* conf, rd_kafka_type_t type);
  enum class Topic : std::uint8_t { there, unknown, unanswered };  ///< unknown: to the broker that was asked
  Result<Topic> look_for(const std::string& topic, Duration within);
  void on_error(rd_kafka_resp_err_t error, std::string_view text);
  void clear_trouble();
  bool can_be_destroyed() const;
  static std::atomic<int> kept_;

  const std::string part_;
  std::string brokers_;
  ClientHooks& hooks_;
  const Context& context_;
  rd_kafka_t* handle_ = nullptr;
  mutable std::mutex mutex_;
  flow::TokenBucket lines_;
  std::uint64_t left_out_ = 0;
  std::string trouble_;
  std::atomic<bool> troubled_{false}, refused_{false}, starting_{false};
  std::atomic<bool> joining_{false};  // a consumer that subscribed, until its first assignment, which may be empty
};

/// librdkafka's own: code paths touched, thread stacks, buffers of a connection. Measured, and not enforced by it.
inline constexpr Bytes client_footprint = 4_MiB;

}  // namespace weir::kafka
