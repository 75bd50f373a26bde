#include "journal_records.h"

#include <weir/component/batch.h>

namespace weir::app {

JournalRecords::JournalRecords(const std::string& folder, const journal::Recovered& found, std::uint64_t from,
                               std::uint64_t to)
    : walk_(journal::system_disk(), folder, found, from), from_(from), to_(to) {}

Result<std::optional<JournalEvent>> JournalRecords::next() {
  for (;;) {
    while (!record_ || index_ == record_->header.events) {
      auto record = walk_.next();
      if (!record) return std::unexpected(record.error());
      if (!*record || (*record)->header.sequence > to_) return std::nullopt;
      record_ = *record;
      index_ = 0;
      offset_ = 0;
    }
    const auto entry = record_->entry(index_);
    const JournalEvent event{record_->header.sequence + index_, static_cast<Priority>(record_->header.priority),
                             WallTime(Duration(record_->header.received_wall)),
                             (record_->header.flags & journal::flag_dead_letter) != 0,
                             record_->text.substr(offset_, entry.length)};
    ++index_;
    offset_ += entry.length + 1u;
    if (event.sequence > to_) return std::nullopt;
    if (event.sequence >= from_) return event;
  }
}

Result<JournalFilter> JournalFilter::make(const std::string& where) {
  JournalFilter filter;
  if (where.empty()) return filter;
  auto compiled = Expression::compile(where);
  if (!compiled) return std::unexpected(compiled.error());
  filter.where_ = std::move(*compiled);
  return filter;
}

bool JournalFilter::matches(std::string text, WallTime wall) {
  const std::size_t size = text.size();
  text.append(block_padding, '\0');
  return where_->matches(std::string_view(text).substr(0, size), wall);
}

bool JournalFilter::takes(const JournalEvent& event) {
  if (!where_) return true;
  if (event.dead_letter)
    if (const auto letter = letters_.read(event.text)) return takes(*letter);
  return matches(std::string(event.text), event.received);
}

bool JournalFilter::takes(const Letter& letter) {
  return !where_ || matches(letters_.for_conditions(letter), letter.at());
}

}  // namespace weir::app
