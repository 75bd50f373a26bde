#include "journal/record.h"

#include <isa-l/crc.h>

#include <bit>
#include <cstring>

namespace weir::journal {
namespace {

static_assert(std::endian::native == std::endian::little, "the journal's numbers are little-endian");

constexpr std::size_t checked_from = offsetof(RecordHeader, epoch);

std::string_view checked_part(std::string_view record) { return record.substr(checked_from); }

/// The batch's events with their line ends. Most batches lie in memory as they will lie in the record.
void copy_text(const Batch& batch, char* to) {
  if (const auto lines = batch.lines(); !lines.empty()) {
    std::memcpy(to, lines.data(), lines.size());
    return;
  }
  for (std::uint32_t i = 0; i < batch.size(); ++i) {
    const auto event = batch[i];
    std::memcpy(to, event.data(), event.size());
    to += event.size();
    *to++ = '\n';
  }
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~0u);
}

void encode_record(const Batch& batch, const RecordStamp& stamp, std::span<char> to) {
  const BatchInfo& info = batch.info();
  RecordHeader header{};
  header.magic = record_magic;
  header.epoch = stamp.epoch;
  header.sequence = stamp.sequence;
  header.durable = stamp.durable;
  header.events = batch.size();
  header.bytes = static_cast<std::uint32_t>(batch.load().bytes.count() + batch.size());
  header.received_wall = info.received_wall.time_since_epoch().count();
  header.first_id = info.first_id;
  header.priority = static_cast<std::uint8_t>(info.priority);
  header.flags = static_cast<std::uint8_t>((info.one_line_each ? flag_one_line_each : 0) |
                                           (info.dead_letter ? flag_dead_letter : 0));
  char* const text = to.data() + sizeof header;
  copy_text(batch, text);
  char* at = text + header.bytes;
  for (std::uint32_t i = 0; i < batch.size(); ++i, at += sizeof(RecordIndex)) {
    const RecordIndex entry{static_cast<std::uint32_t>(batch[i].size()),
                            static_cast<std::uint32_t>(batch.id(i) - info.first_id)};
    std::memcpy(at, &entry, sizeof entry);
  }
  char* const attributes = at;
  at = encode_attributes(batch, at);
  header.attributes = static_cast<std::uint32_t>(at - attributes);
  const std::size_t size = record_size(batch);
  std::memset(at, 0, static_cast<std::size_t>(to.data() + size - at));
  std::memcpy(to.data(), &header, sizeof header);
  header.crc = crc32c(checked_part({to.data(), size}));
  std::memcpy(to.data(), &header, sizeof header);
}

RecordIndex RecordView::entry(std::uint32_t i) const {
  RecordIndex entry;
  std::memcpy(&entry, index + i * sizeof entry, sizeof entry);
  return entry;
}

void RecordView::append_to(std::vector<Batch::Slot>& slots, std::uint32_t shift) const {
  std::uint32_t offset = slots.empty() ? 0 : slots.back().offset + slots.back().length + 1;
  for (std::uint32_t i = 0; i < header.events; ++i) {
    const auto [length, number] = entry(i);
    slots.push_back({offset, length, number + shift});
    offset += length + 1;
  }
}

BatchInfo RecordView::info(TimePoint now) const {
  BatchInfo info{.priority = static_cast<Priority>(header.priority),
                 .received = now,
                 .received_wall = WallTime(Duration(header.received_wall)),
                 .one_line_each = (header.flags & flag_one_line_each) != 0,
                 .dead_letter = (header.flags & flag_dead_letter) != 0,
                 .read_again = true,
                 .first_id = header.first_id};
  decode_attributes(attributes, info);
  return info;
}

std::size_t claimed_size(std::string_view from, std::uint64_t epoch) {
  RecordHeader header;
  if (from.size() < sizeof header) return 0;
  std::memcpy(&header, from.data(), sizeof header);
  if (header.magic != record_magic || header.epoch != epoch || header.events == 0) return 0;
  return record_size(header.bytes, header.events, header.attributes);
}

std::optional<RecordView> parse_record(std::string_view from, std::uint64_t epoch) {
  const std::size_t size = claimed_size(from, epoch);
  if (size == 0 || size > from.size()) return std::nullopt;
  RecordView view;
  std::memcpy(&view.header, from.data(), sizeof view.header);
  if (view.header.crc != crc32c(checked_part(from.substr(0, size)))) return std::nullopt;
  if (view.header.priority >= priority_count) return std::nullopt;
  view.text = from.substr(sizeof view.header, view.header.bytes);
  view.index = view.text.data() + view.text.size();
  view.attributes = {view.index + view.header.events * sizeof(RecordIndex), view.header.attributes};
  view.size = size;
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < view.header.events; ++i) total += view.entry(i).length + 1u;
  if (total != view.header.bytes) return std::nullopt;
  return view;
}

}  // namespace weir::journal
