#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "events.h"
#include "intake.h"
#include "log/log.h"

namespace weir::kafka {

/// Makes events of the piece's messages, and sorts out those that are none.
void KafkaIntake::gather() {
  text_.clear();
  index_.clear();
  priorities_.clear();
  letters_.clear();
  skipped_ = too_large_ = 0;
  const rd_kafka_message_t& first = *run_->messages.front();
  written_ = written_at(first);
  first_id_ = id_of(first);
  SourcePartition place{fmt::format("{}/{}", rd_kafka_topic_name(first.rkt), first.partition)};
  first_position_ = static_cast<std::uint64_t>(first.offset);
  origin_ = origin_of(first);
  for (const Message& message : run_->messages) {
    const auto number = static_cast<std::uint32_t>(message->offset - first.offset);
    place.mark(number, mark_of(*message));
    const auto begin = text_.size();
    const bool tombstone = is_tombstone(*message);
    if (!tombstone) append_event(text_, *message, config_.metadata);
    const auto length = text_.size() - begin;
    if (tombstone || length > config_.max_event.count()) {
      text_.resize(begin);
      if (output_.has_dead_letters() && (!tombstone || config_.keep_tombstones))
        letters_.push_back(message.get());
      else
        ++(tombstone ? skipped_ : too_large_);
      continue;
    }
    text_ += '\n';
    index_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length), number});
    if (!config_.priorities.from_header()) continue;
    const auto value = header_of(*message, config_.priorities.header);
    priorities_.push_back(value ? config_.priorities.of(*value) : config_.priorities.fallback);
  }
  place_ = std::make_shared<const SourcePartition>(std::move(place));
  if (field_) classify();
}

/// Null: no expression asks for it.
std::shared_ptr<const Origin> KafkaIntake::origin_of(const rd_kafka_message_t& first) const {
  using enum Attribute;
  if (!output_.reads(topic) && !output_.reads(partition) && !output_.reads(offset)) return nullptr;
  Origin made;
  made.topic = origin_text(rd_kafka_topic_name(first.rkt));
  made.partition = static_cast<std::uint64_t>(first.partition);
  made.first_offset = static_cast<std::uint64_t>(first.offset);
  return std::make_shared<const Origin>(std::move(made));
}

void KafkaIntake::classify() {
  text_.reserve(text_.size() + block_padding);
  for (const auto& slot : index_) {
    const auto value = field_->text(std::string_view(text_).substr(slot.offset, slot.length));
    priorities_.push_back(value ? config_.priorities.of(*value) : config_.priorities.fallback);
  }
}

void KafkaIntake::count_what_is_left_out() {
  if (skipped_) output_.refused(skipped_, Reason::malformed);
  if (too_large_) output_.refused(too_large_, Reason::event_too_large);
  if (too_large_ && !std::exchange(said_large_, true))
    log::warn({"source", config_.name},
              "{} hold more than max_event ({} bytes) and are stepped over and counted: raise it, or add "
              "dead_letter; this is said once",
              place_of(*run_->messages.front()), config_.max_event.count());
}

void KafkaIntake::give(Receipt& receipt, Ticket ticket, TimePoint now) {
  BatchInfo info;
  info.priority = config_.priorities.fallback;
  info.received = now;
  info.received_wall = config_.recorded ? written_ : output_.context().wall();
  info.read_again = true;
  info.first_id = config_.recorded ? first_id_ : output_.next_ids(index_.back().number + 1);
  info.place = place_;
  info.first_position = first_position_;
  info.origin = origin_;
  if (priorities_.empty())
    push_copy(output_, text_, index_, &receipt, info, ticket);
  else
    push_by_priority(output_, split_, text_, index_, priorities_, &receipt, info, ticket);
}

}  // namespace weir::kafka
