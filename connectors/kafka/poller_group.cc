#include <fmt/format.h>
#include <simdjson.h>
#include <syslog.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "poller.h"

namespace weir::kafka {
namespace {

constexpr int ask_committed_ms = 5000, commit_ms = 5000;
constexpr auto settled_poll = std::chrono::milliseconds(10);

PartitionList places_of(std::span<const PartitionOffset> from) {
  PartitionList places = make_partition_list(from.size());
  for (const auto& place : from)
    rd_kafka_topic_partition_list_add(places.get(), place.topic.c_str(), place.partition)->offset = place.offset;
  return places;
}

/// The group is rebalancing: a commit that was not accepted is repeated afterwards.
bool is_passing(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || error == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
         error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || error == RD_KAFKA_RESP_ERR__NO_OFFSET;
}

}  // namespace

void Poller::on_rebalance(rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t& places) {
  if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) return on_assigned(places);
  if (what == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) return on_revoked(places);
  client_->log(LOG_WARNING, fmt::format("joining group failed: {}", text_of(what)));
  rd_kafka_assign(handle(), nullptr);
}

std::vector<PartitionIndex> Poller::indexes_of(const rd_kafka_topic_partition_list_t& places) {
  std::vector<PartitionIndex> indexes;
  for (int i = 0; i < places.cnt; ++i)
    indexes.push_back(handoff_.index_of(places.elems[i].topic, places.elems[i].partition));
  return indexes;
}

void Poller::on_assigned(rd_kafka_topic_partition_list_t& places) {
  flush();
  const auto indexes = indexes_of(places);
  // Where reading begins: known from the first message on otherwise, and then a gap before it would not be seen.
  if (rd_kafka_committed(handle(), &places, ask_committed_ms))
    for (int i = 0; i < places.cnt; ++i) places.elems[i].offset = RD_KAFKA_OFFSET_INVALID;
  for (int i = 0; i < places.cnt; ++i) {
    const auto offset = places.elems[i].offset;
    handoff_.assign(indexes[static_cast<std::size_t>(i)], offset >= 0 ? offset : unknown_offset);
    damaged_.erase(indexes[static_cast<std::size_t>(i)]);
  }
  const KafkaError error(rd_kafka_incremental_assign(handle(), &places));
  if (error) client_->log(LOG_ERR, fmt::format("cannot take partitions: {}", rd_kafka_error_string(error.get())));
  if (pause_policy_.paused())
    pause(places);
  else  // librdkafka remembers a pause over an assignment: what went while it was paused would never be read again
    resume(places);
  std::lock_guard lock(mutex_);
  counts_.assigned += static_cast<std::uint64_t>(places.cnt);
}

void Poller::on_revoked(rd_kafka_topic_partition_list_t& places) {
  flush();
  run_.clear();
  const auto indexes = indexes_of(places);
  handoff_.revoke(indexes);
  if (!leaving_ && !rd_kafka_assignment_lost(handle())) {
    let_settle(indexes);
    commit_now();
  }
  handoff_.forget(indexes);
  const KafkaError error(rd_kafka_incremental_unassign(handle(), &places));
  if (error) client_->log(LOG_ERR, fmt::format("cannot let partitions go: {}", rd_kafka_error_string(error.get())));
  std::lock_guard lock(mutex_);
  counts_.revoked += static_cast<std::uint64_t>(places.cnt);
}

void Poller::let_settle(std::span<const PartitionIndex> indexes) {
  const TimePoint end = context_.now() + config_.revoke_wait;
  while (!handoff_.settled(indexes) && !stopping_ && !abandoned_ && context_.now() < end) handoff_.wait(settled_poll);
}

/// librdkafka commits what is stored, but not while it joins: its request would wait behind the join at the broker,
/// then carry a generation that is over, and cost this member all its partitions.
void Poller::store() {
  const auto places = handoff_.commits();
  if (!places.empty()) rd_kafka_offsets_store(handle(), places_of(places).get());
}

/// With a time limit: the library's own call waits for a coordinator for ever.
void Poller::commit_now() {
  const auto commits = handoff_.commits();
  if (commits.empty()) return;
  store();  // otherwise unassigning would commit an offset that was stored before, and move back
  rd_kafka_queue_t* queue = rd_kafka_queue_new(handle());
  if (!rd_kafka_commit_queue(handle(), places_of(commits).get(), queue, nullptr, nullptr))
    if (rd_kafka_event_t* event = rd_kafka_queue_poll(queue, commit_ms)) {
      if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT)
        on_committed(rd_kafka_event_error(event), rd_kafka_event_topic_partition_list(event));
      rd_kafka_event_destroy(event);
    }
  rd_kafka_queue_destroy(queue);
}

void Poller::on_committed(rd_kafka_resp_err_t what, const rd_kafka_topic_partition_list_t* places) {
  for (int i = 0; places && !what && i < places->cnt; ++i) {
    const auto& place = places->elems[i];
    if (place.err)
      what = place.err;
    else
      handoff_.committed(place.topic, place.partition, place.offset);
  }
  if (what && !is_passing(what))
    client_->log(LOG_WARNING,
                 fmt::format("offsets cannot be committed: {}; until then a restart reads more again", text_of(what)));
  std::lock_guard lock(mutex_);
  if (!what) ++counts_.commits;
}

/// What was fetched and is neither delivered nor waiting in the library was thrown away.
void Poller::on_statistics(std::string_view json) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object topics;
  if (parser.parse(json.data(), json.size())["topics"].get(topics)) return;
  std::uint64_t fetched = 0, waiting = 0;
  for (const auto& topic : topics) {
    simdjson::dom::object partitions;
    if (topic.value["partitions"].get(partitions)) continue;
    for (const auto& partition : partitions) {
      std::uint64_t n = 0;
      if (!partition.value["rxbytes"].get(n)) fetched += n;
      if (!partition.value["fetchq_size"].get(n)) waiting += n;
    }
  }
  const auto gone = delivered_bytes_ + waiting;
  std::lock_guard lock(mutex_);
  if (fetched > gone) counts_.refetched_bytes = fetched - gone;
}

Upstream Poller::upstream() const {
  std::lock_guard lock(mutex_);
  Upstream side;
  side.counts = {{"assigned", counts_.assigned}, {"revoked", counts_.revoked},
                 {"pauses", counts_.pauses},     {"lost", counts_.lost},
                 {"damaged", counts_.damaged},   {"refetched_bytes", counts_.refetched_bytes}};
  if (!client_) return side;
  side.trouble = client_->trouble();
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(context_.wall().time_since_epoch());
  PartitionIndex index = 0;
  for (const auto& state : handoff_.states()) {
    const auto told = highs_.find(index++);
    if (!state.owned) continue;
    std::int64_t low = -1, high = -1;
    rd_kafka_get_watermark_offsets(handle(), state.topic.c_str(), state.partition, &low, &high);
    if (told != highs_.end()) high = std::max(high, told->second);
    const auto from = state.settled_to == unknown_offset ? low : state.settled_to;
    Upstream::Lag lag{fmt::format("{}/{}", state.topic, state.partition)};
    lag.first = static_cast<std::uint64_t>(std::max<std::int64_t>(0, low));
    lag.end = static_cast<std::uint64_t>(std::max<std::int64_t>(0, high));
    if (from >= 0 && high > from) {
      lag.events = static_cast<std::uint64_t>(high - from);
      if (state.oldest_ms > 0)
        lag.age = std::max(Duration{0}, Duration(now - std::chrono::milliseconds(state.oldest_ms)));
    }
    side.lags.push_back(std::move(lag));
  }
  return side;
}

}  // namespace weir::kafka
