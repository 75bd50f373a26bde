#pragma once
/// The thread that polls Kafka. It calls the library regularly whatever the flow does, so that the group does not take
/// the member for dead, and no other thread talks to the group.
///
///   each turn   store what has settled, for librdkafka to commit -> begin again what failed -> poll, unless
///               the pause policy holds it back (pause_policy.h)
///   assigned    reading begins at what the group has committed; partitions that come while it is paused start paused
///   revoked     nothing more of them is given; waits at most `revoke_wait` until what is in the flow has settled;
///               commits what is contiguous; lets go. Taken away without asking (lost): no wait, no commit
///   damaged     a batch fails its checksum or cannot be decompressed: its partition stops there, is asked again every
///               10 s, and nothing is passed over
///   fatal       (fenced by another with the same instance_id): says so, and joins anew after 10 s
///   renewed     its certificates or its password were replaced: as revoked, then it joins anew with a client that has
///               the new ones. One that cannot be made changes nothing
///   stop        fetches nothing more, waits for what is in the flow, commits a last time, leaves the group
///
/// Offsets that are missing between two messages are checked: those below the partition's first offset were deleted
/// unread by retention; they are counted as lost and logged. All others are Kafka's own (compaction, transactions);
/// at a partition's end the library says how far it has come, and they count as settled.
///
/// Only partitions that were paused here are resumed. librdkafka forgets what it has fetched on each resume and reads
/// from where it last began, so one of a partition that was not paused brings what was read before once more.
///
/// Thread: its own; `renew`, `stop`, `abandon`, `counts`, `upstream` any. Cost: about 0.3 us for each message and one
/// lock for each piece. On cancel: `stop` ends when everything given has settled; `abandon` ends that wait. Destruction
/// joins: at most about 8 s, when brokers do not answer. Ref: Kafka consumer protocol, KIP-429 (cooperative
/// rebalancing), KIP-345 (static membership).
#include <weir/component/source.h>

#include <atomic>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "client.h"
#include "handoff.h"
#include "pause_policy.h"

namespace weir::kafka {

struct PollerConfig {
  ClientConfig client;
  std::vector<std::string> topics;
  PausePolicy::Watermarks watermarks;
  Load run;  ///< the most messages and bytes that travel under one receipt
  Duration connect_timeout, commit_interval, revoke_wait;
};

class Poller final : public ClientHooks {
 public:
  struct Counts {
    std::uint64_t assigned = 0, revoked = 0, pauses = 0;
    std::uint64_t refetched_bytes = 0;  ///< fetched, thrown away by a pause or a new beginning, fetched again
    std::uint64_t lost = 0;             ///< deleted by retention before they were read
    std::uint64_t damaged = 0;          ///< batches that could not be read, each time
    std::uint64_t commits = 0;
  };

  Poller(const PollerConfig& config, Handoff& handoff, const Context& context);
  ~Poller() override;

  /// Connects, and sees that the topics are there.
  Result<void> open();
  /// `finished` is called on its thread, when nothing more will be committed.
  void start(std::function<void()> finished);
  /// Reads its files again. False: they are as they were.
  Result<bool> renew();
  void stop();
  void abandon();
  /// Both, and waits for its thread.
  void join();
  Counts counts() const;
  /// Lags are as old as the brokers' last answer: 10 s at most.
  Upstream upstream() const;

 private:
  void run();
  void join_group();
  void serve();
  void turn();
  void hold_still();
  void poll();
  void wake();
  bool take(Message message);
  void flush();
  void complain(const rd_kafka_message_t& error);
  void on_end(const rd_kafka_message_t& end);
  void on_gap(const rd_kafka_message_t& message, std::int64_t expected);
  void store();
  void commit_now();
  void begin_again();
  bool go_to(const PartitionOffset& place);
  void stop_at_damage(const rd_kafka_message_t& error, const char* why);
  void ask_again(TimePoint now);
  void look_how_far_behind(TimePoint now);
  void set_paused(bool paused);
  void pause(const rd_kafka_topic_partition_list_t& places);
  void resume(const rd_kafka_topic_partition_list_t& places);
  void let_settle(std::span<const PartitionIndex> indexes);
  void finish();
  void leave();
  void come_back();
  void change_over();
  std::shared_ptr<Client> change_to(std::shared_ptr<Client> client);
  std::shared_ptr<Client> take_renewed();
  void on_rebalance(rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t& places) override;
  void on_assigned(rd_kafka_topic_partition_list_t& places);
  void on_revoked(rd_kafka_topic_partition_list_t& places);
  void on_committed(rd_kafka_resp_err_t what, const rd_kafka_topic_partition_list_t* places) override;
  void on_statistics(std::string_view json) override;
  std::vector<PartitionIndex> indexes_of(const rd_kafka_topic_partition_list_t& places);
  rd_kafka_t* handle() const { return client_->get(); }

  const PollerConfig config_;
  Handoff& handoff_;
  const Context& context_;
  mutable std::mutex mutex_;  // of client_, renewed_, used_, counts_ and highs_, for other threads
  std::shared_ptr<Client> client_, renewed_;
  KeyHash used_{};  // the files of the newest of them
  Counts counts_;
  std::unordered_map<PartitionIndex, std::int64_t> highs_;  // what the brokers said while it was paused
  PausePolicy pause_policy_;
  std::function<void()> finished_;
  // The run of one partition that is being gathered.
  const rd_kafka_topic_t* topic_ = nullptr;
  std::int32_t partition_ = -1;
  PartitionIndex index_ = 0;
  std::int64_t next_ = unknown_offset;
  std::vector<Message> run_;
  Bytes run_bytes_;
  struct Damage {
    std::int64_t offset = unknown_offset;
    TimePoint again{};
    bool stopped = false;
  };
  std::unordered_map<PartitionIndex, Damage> damaged_;  // where a batch that cannot be read begins
  std::unordered_set<PartitionIndex> paused_;           // in librdkafka, by us
  std::uint64_t delivered_bytes_ = 0;
  TimePoint next_store_{}, next_look_{}, next_lag_{};
  std::atomic<bool> stopping_{false}, abandoned_{false}, has_renewed_{false};
  bool leaving_ = false, fatal_ = false;
  std::thread thread_;
};

}  // namespace weir::kafka
