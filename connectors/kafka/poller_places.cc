#include <fmt/format.h>
#include <syslog.h>
#include <weir/base/terminal_text.h>

#include "poller.h"

namespace weir::kafka {
namespace {

constexpr int go_ms = 5000;
constexpr auto hand_off_poll = std::chrono::milliseconds(10);
constexpr int lag_ms = 1000;
constexpr auto lag_every = std::chrono::seconds(5);
constexpr auto ask_damaged_again = std::chrono::seconds(10);

}  // namespace

void Poller::pause(const rd_kafka_topic_partition_list_t& places) {
  const PartitionList copy(rd_kafka_topic_partition_list_copy(&places));
  rd_kafka_pause_partitions(handle(), copy.get());
  for (const auto index : indexes_of(places)) paused_.insert(index);
}

void Poller::resume(const rd_kafka_topic_partition_list_t& places) {
  const PartitionList ours = make_partition_list();
  for (int i = 0; i < places.cnt; ++i) {
    const auto& place = places.elems[i];
    if (paused_.erase(handoff_.index_of(place.topic, place.partition)) > 0)
      rd_kafka_topic_partition_list_add(ours.get(), place.topic, place.partition);
  }
  if (ours->cnt > 0) rd_kafka_resume_partitions(handle(), ours.get());
}

void Poller::set_paused(bool paused) {
  rd_kafka_topic_partition_list_t* assigned = nullptr;
  if (rd_kafka_assignment(handle(), &assigned)) return;
  const PartitionList places(assigned);
  for (int i = places->cnt; i-- > 0;) {
    const auto damage = damaged_.find(handoff_.index_of(places->elems[i].topic, places->elems[i].partition));
    if (damage != damaged_.end() && damage->second.stopped)  // it has a pause of its own
      rd_kafka_topic_partition_list_del_by_idx(places.get(), i);
  }
  if (paused)
    pause(*places);
  else
    resume(*places);
  std::lock_guard lock(mutex_);
  if (paused) ++counts_.pauses;
}

/// What failed is fetched again from where its partition is settled.
void Poller::begin_again() {
  for (const auto& place : handoff_.to_rewind())
    if (go_to(place))
      handoff_.rewound(place.index);
    else
      handoff_.wait(hand_off_poll);
}

bool Poller::go_to(const PartitionOffset& place) {
  const PartitionList places = make_partition_list(1);
  rd_kafka_topic_partition_list_add(places.get(), place.topic.c_str(), place.partition)->offset = place.offset;
  const KafkaError error(rd_kafka_seek_partitions(handle(), places.get(), go_ms));
  const auto what = error ? rd_kafka_error_code(error.get()) : places->elems[0].err;
  if (what)
    client_->log(LOG_WARNING, fmt::format("topic {}, partition {}: cannot go back to offset {}: {}; it is tried again",
                                          terminal_text(place.topic), place.partition, place.offset, text_of(what)));
  return !what;
}

/// librdkafka would go on: behind the batch if something follows it, or wherever its bytes, read as an offset, lead.
void Poller::stop_at_damage(const rd_kafka_message_t& error, const char* why) {
  const char* topic = rd_kafka_topic_name(error.rkt);
  const PartitionList places = make_partition_list(1);
  rd_kafka_topic_partition_list_add(places.get(), topic, error.partition);
  pause(*places);
  Damage& damage = damaged_[handoff_.index_of(topic, error.partition)];
  if (damage.offset != error.offset)
    client_->log(LOG_ERR,
                 fmt::format("topic {}, partition {}: the batch at offset {} is damaged: {}; the partition stops there "
                             "and it is asked for every 10 s: repair it, or set the group's offset behind it",
                             terminal_text(topic), error.partition, error.offset, terminal_text(why)));
  damage = {error.offset, context_.now() + ask_damaged_again, true};
  std::lock_guard lock(mutex_);
  ++counts_.damaged;
}

void Poller::ask_again(TimePoint now) {
  for (auto& [index, damage] : damaged_) {
    if (!damage.stopped || damage.again > now) continue;
    const auto state = handoff_.state(index);
    const auto next = handoff_.next(index);
    damage.again = now + ask_damaged_again;
    damage.stopped =
        state.owned && !go_to({index, state.topic, state.partition, next == unknown_offset ? damage.offset : next});
    if (damage.stopped || !state.owned || pause_policy_.paused()) continue;
    const PartitionList places = make_partition_list(1);
    rd_kafka_topic_partition_list_add(places.get(), state.topic.c_str(), state.partition);
    resume(*places);
  }
}

/// The lag of partitions that are not fetched is not known without a query.
void Poller::look_how_far_behind(TimePoint now) {
  next_lag_ = now + lag_every;
  rd_kafka_topic_partition_list_t* assigned = nullptr;
  if (rd_kafka_assignment(handle(), &assigned)) return;
  const PartitionList places(assigned);
  for (int i = 0; i < places->cnt; ++i) places->elems[i].offset = RD_KAFKA_OFFSET_END;  // the time that means the end
  if (rd_kafka_offsets_for_times(handle(), places.get(), lag_ms)) return;
  for (int i = 0; i < places->cnt; ++i) {
    const auto& place = places->elems[i];
    const auto index = handoff_.index_of(place.topic, place.partition);
    std::lock_guard lock(mutex_);
    if (!place.err && place.offset > 0) highs_[index] = place.offset;
  }
}

}  // namespace weir::kafka
