#include "journal/attributes.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

namespace weir::journal {
namespace {

enum Kind : std::uint32_t { place = 1 };

struct Head {
  std::uint32_t kind, bytes;  // of what follows
};

// 8 first position, 4 number of marks; each mark is 4 number, 8 value; then the name.
constexpr std::size_t place_head_size = 12, mark_size = 12;

/// Those that say something about one of its events.
std::span<const SourcePartition::Mark> marks_of(const Batch& batch) {
  const auto& all = batch.info().place->marks;
  const auto after = [&](std::uint32_t number) {
    return std::ranges::upper_bound(all, number, {}, &SourcePartition::Mark::number);
  };
  auto first = after(batch.number(0));
  if (first != all.begin()) --first;
  return {first, after(batch.number(batch.size() - 1))};
}

std::size_t place_size(const Batch& batch) {
  return place_head_size + marks_of(batch).size() * mark_size + batch.info().place->name.size();
}

char* put(char* to, const void* from, std::size_t n) {
  std::memcpy(to, from, n);
  return to + n;
}

template <typename T>
T take(std::string_view& from) {
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  from.remove_prefix(sizeof value);
  return value;
}

std::shared_ptr<const SourcePartition> read_place(std::string_view from, std::uint64_t& first_position) {
  if (from.size() < place_head_size) return nullptr;
  const auto position = take<std::uint64_t>(from);
  const auto marks = take<std::uint32_t>(from);
  if (marks > from.size() / mark_size) return nullptr;
  auto read = std::make_shared<SourcePartition>();
  read->marks.reserve(marks);
  for (std::uint32_t i = 0; i < marks; ++i) {
    const auto number = take<std::uint32_t>(from);
    read->marks.push_back({number, take<std::int64_t>(from)});
  }
  if (!std::ranges::is_sorted(read->marks, {}, &SourcePartition::Mark::number)) return nullptr;
  read->name = from;
  first_position = position;
  return read;
}

}  // namespace

std::size_t attributes_size(const Batch& batch) {
  if (batch.empty() || !batch.info().place) return 0;
  return sizeof(Head) + place_size(batch);
}

char* encode_attributes(const Batch& batch, char* to) {
  if (batch.empty() || !batch.info().place) return to;
  const auto marks = marks_of(batch);
  const Head head{Kind::place, static_cast<std::uint32_t>(place_size(batch))};
  const auto count = static_cast<std::uint32_t>(marks.size());
  to = put(to, &head, sizeof head);
  to = put(to, &batch.info().first_position, sizeof batch.info().first_position);
  to = put(to, &count, sizeof count);
  for (const SourcePartition::Mark& mark : marks) {
    to = put(to, &mark.number, sizeof mark.number);
    to = put(to, &mark.value, sizeof mark.value);
  }
  return put(to, batch.info().place->name.data(), batch.info().place->name.size());
}

void decode_attributes(std::string_view attributes, BatchInfo& info) {
  while (attributes.size() >= sizeof(Head)) {
    const auto head = take<Head>(attributes);
    if (head.bytes > attributes.size()) return;
    if (head.kind == Kind::place) info.place = read_place(attributes.substr(0, head.bytes), info.first_position);
    attributes.remove_prefix(head.bytes);
  }
}

}  // namespace weir::journal
