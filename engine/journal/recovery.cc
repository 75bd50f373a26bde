#include "journal/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace weir::journal {
namespace {

constexpr std::string_view id_magic = "WEIRJRNL";
constexpr std::size_t id_size = 4096;

class Recovery {
 public:
  Recovery(Disk& disk, const std::string& folder, Bytes read_ahead, Bytes largest)
      : disk_(disk), folder_(folder), read_ahead_(read_ahead), largest_(largest) {}

  Result<Recovered> run() {
    const auto names = disk_.list(folder_);
    if (!names) return std::unexpected(names.error());
    if (auto r = read_id(*names); !r) return std::unexpected(r.error());
    for (const auto& name : *names)
      if (auto r = look_at(name); !r) return std::unexpected(r.error());
    for (const auto& segment : headless_)
      if (auto r = without_header(segment); !r) return std::unexpected(r.error());
    std::ranges::sort(found_.segments, {}, &Segment::number);
    if (auto r = find_end(); !r) return std::unexpected(r.error());
    bound_each();
    if (auto r = look_into_gaps(); !r) return std::unexpected(r.error());
    found_.on_disk = found_.end.sequence;
    for (const auto& [name, cursor] : found_.cursors) {
      if (!cursor) continue;
      found_.end.sequence = std::max(found_.end.sequence, cursor->sequence);
      found_.next_number = std::max(found_.next_number, cursor->segment + 1);
    }
    return std::move(found_);
  }

 private:
  std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }
  void note(std::string_view name, std::string_view what) {
    found_.notes.push_back(fmt::format("{}: {}", path(name), what));
  }

  Result<void> read_id(const std::vector<std::string>& names) {
    if (std::ranges::find(names, id_file) == names.end()) return {};
    auto file = disk_.open(path(id_file), Disk::Open::read);
    if (!file) return std::unexpected(file.error());
    std::string block(id_size, '\0');
    const auto got = (*file)->read(block, 0);
    if (!got) return std::unexpected(got.error());
    const auto content = open_block(id_magic, std::string_view(block).substr(0, *got));
    if (content && content->size() == found_.id.size()) {
      std::memcpy(found_.id.data(), content->data(), found_.id.size());
      found_.has_id = true;
      return {};
    }
    if (!content && content.error().kind == Error::Kind::unsupported) return refused(id_file, content.error().message);
    note(id_file, fmt::format("{}; the name of the journal is taken from its segments",
                              content ? "it has the wrong length" : content.error().message));
    return {};
  }

  std::unexpected<Error> refused(std::string_view name, std::string_view why) const {
    return failure(fmt::format("{}: {}", path(name), why), Error::Kind::unsupported);
  }

  Result<void> look_at(const std::string& name) {
    if (const auto number = number_of(name, "segment")) return look_at_segment(name, *number);
    if (const auto number = number_of(name, "spare")) {
      auto file = disk_.open(path(name), Disk::Open::read);
      if (!file) return std::unexpected(file.error());
      const auto size = (*file)->size();
      if (!size) return std::unexpected(size.error());
      found_.spares.push_back({name, *size});
      found_.next_number = std::max(found_.next_number, *number + 1);
    } else if (const auto made = number_of(name, "new")) {
      found_.unfinished.push_back(name);
      found_.next_number = std::max(found_.next_number, *made + 1);
    } else if (name.ends_with(".cursor.new") || name == std::string(id_file) + ".new") {
      found_.unfinished.push_back(name);
    } else if (name.ends_with(".cursor")) {
      const auto cursor = CursorFile::look(disk_, path(name));
      if (!cursor) return std::unexpected(cursor.error());
      const auto consumer = name.substr(0, name.size() - std::string_view(".cursor").size());
      if (!*cursor) note(name, "the cursor cannot be read; this consumer starts again at the oldest event");
      found_.cursors[consumer] = *cursor;
      if (*cursor && !(*cursor)->holds) found_.optional_consumers.insert(consumer);
    }
    return {};
  }

  Result<void> look_at_segment(const std::string& name, std::uint64_t number) {
    found_.next_number = std::max(found_.next_number, number + 1);
    auto file = disk_.open(path(name), Disk::Open::read);
    if (!file) return std::unexpected(file.error());
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error());
    std::string block(segment_header_size, '\0');
    const auto got = (*file)->read(block, 0);
    if (!got) return std::unexpected(got.error());
    const auto header = decode_segment_header(std::string_view(block).substr(0, *got));
    if (!header && header.error().kind == Error::Kind::unsupported) return refused(name, header.error().message);
    if (!header) {
      headless_.push_back({name, number, *size, header.error().message});
      return {};
    }
    if (header->number != number) {
      note(name, fmt::format("it is a copy of segment {}; it is left alone", header->number));
      return {};
    }
    if (!found_.has_id && found_.segments.empty()) found_.id = header->journal;
    if (header->journal != found_.id) {
      note(name, "it belongs to another journal; it is left alone");
      return {};
    }
    found_.segments.push_back({number, header->first_sequence, 0, *size, *size, header->created_wall, false});
    return {};
  }

  struct Headless {
    std::string name;
    std::uint64_t number, size;
    std::string why;
  };
  /// Records carry the epoch of their segment: the header is not needed to believe them, once it is known which journal
  /// this is.
  Result<void> without_header(const Headless& segment) {
    const auto& [name, number, size, why] = segment;
    auto scan = open(number);
    if (!scan) return std::unexpected(scan.error());
    const auto first = scan->next_good(0, size);
    if (!first) return std::unexpected(first.error());
    if (!*first) {
      note(name, fmt::format("{}, and no record in it is whole; it is left alone", why));
      return {};
    }
    const auto record = scan->at(**first, size);
    if (!record) return std::unexpected(record.error());
    note(name, fmt::format("{}; its records are read without it", why));
    ++found_.damaged;
    found_.segments.push_back(
        {number, (*record)->header.sequence, 0, size, size, (*record)->header.received_wall, true});
    return {};
  }

  Result<SegmentScan> open(std::uint64_t number) {
    auto file = disk_.open(path(numbered(number, "segment")), Disk::Open::read);
    if (!file) return std::unexpected(file.error());
    return SegmentScan(std::move(*file), number, epoch_of(found_.id, number), read_ahead_, largest_);
  }

  Result<void> find_end() {
    if (found_.segments.empty()) return {};
    Segment& last = found_.segments.back();
    auto scan = open(last.number);
    if (!scan) return std::unexpected(scan.error());
    const auto tail = find_tail(*scan, last.first, last.size);
    if (!tail) return std::unexpected(tail.error());
    found_.end = tail->end;
    found_.torn_bytes = tail->torn_bytes;
    found_.damaged += tail->damaged;
    last.wall = std::max(last.wall, tail->newest_wall);
    last.limit = tail->end.offset;
    if (tail->torn_bytes)
      note(numbered(last.number, "segment"),
           fmt::format("{} bytes of a write that was never promised are cut off", tail->torn_bytes));
    return {};
  }

  /// What a segment holds from the first event of any later one on was given up before it was promised.
  void bound_each() {
    std::uint64_t end = found_.end.sequence;
    std::int64_t wall = found_.segments.empty() ? 0 : found_.segments.back().wall;
    for (auto segment = found_.segments.rbegin(); segment != found_.segments.rend(); ++segment) {
      segment->end = end;
      end = std::min(end, segment->first);
      wall = std::exchange(segment->wall, wall);
    }
  }

  /// A number is missing where a segment was not finished, or was lost: then the one before ends too early.
  Result<void> look_into_gaps() {
    for (std::size_t i = 1; i < found_.segments.size(); ++i) {
      const Segment &before = found_.segments[i - 1], &after = found_.segments[i];
      if (after.number == before.number + 1 || before.end <= before.first) continue;
      auto scan = open(before.number);
      if (!scan) return std::unexpected(scan.error());
      const auto tail = find_tail(*scan, before.first, before.size);
      if (!tail) return std::unexpected(tail.error());
      if (tail->end.sequence >= before.end) continue;
      ++found_.damaged;
      found_.notes.push_back(fmt::format("{}: what lay between segments {} and {} is missing: {} events are lost",
                                         folder_, before.number, after.number, before.end - tail->end.sequence));
    }
    return {};
  }

  Disk& disk_;
  const std::string& folder_;
  const Bytes read_ahead_, largest_;
  Recovered found_;
  std::vector<Headless> headless_;
};

}  // namespace

Result<Recovered> recover(Disk& disk, const std::string& folder, Bytes read_ahead, Bytes largest_record) {
  return Recovery(disk, folder, read_ahead, largest_record).run();
}

std::string encode_id(const JournalId& id) {
  return seal_block(id_magic, {reinterpret_cast<const char*>(id.data()), id.size()}, id_size);
}

}  // namespace weir::journal
