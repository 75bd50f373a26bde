#include "journal/repair.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::journal {
namespace {

using Kind = RepairStep::Kind;
using State = SegmentFile::State;

constexpr std::string_view aside_folder = "aside";

/// Where the records of a segment end that can be read without a gap; 0: it has none.
Result<std::uint64_t> natural_end(Disk& disk, const std::string& folder, const JournalId& journal,
                                  const SegmentFile& file, const ReadLimits& limits) {
  auto scan = scan_of(disk, folder, journal, file.number, limits);
  if (!scan) return std::unexpected(scan.error());
  const auto size = scan->file().size();
  if (!size) return std::unexpected(size.error());
  const std::uint64_t first = file.state == State::good ? file.header.first_sequence : file.first;
  const auto tail = find_tail(*scan, first, *size);
  if (!tail) return std::unexpected(tail.error());
  return tail->end.sequence > first ? tail->end.sequence : 0;
}

/// A header must not name a first event that is too early: what earlier segments hold from there on is void. Where its
/// first records are lost too, they began at the latest where the segment before ended.
Result<SegmentHeader> header_for(Disk& disk, const std::string& folder, const Survey& survey, const SegmentFile& file,
                                 const ReadLimits& limits) {
  SegmentHeader header{survey.id.value_or(JournalId{}), file.number, file.first, file.wall};
  if (file.place == segment_header_size) return header;
  const SegmentFile* before = nullptr;
  for (const auto& other : survey.segments)
    if (other.number < file.number && (other.state == State::good || other.state == State::header_damaged))
      before = &other;
  if (!before) return header;
  const auto end = natural_end(disk, folder, header.journal, *before, limits);
  if (!end) return std::unexpected(end.error());
  if (*end > 0) header.first_sequence = std::min(header.first_sequence, *end);
  return header;
}

std::uint64_t oldest_event(const Survey& survey) {
  std::uint64_t oldest = ~0ull;
  for (const auto& file : survey.segments) {
    if (file.state == State::good) oldest = std::min(oldest, file.header.first_sequence);
    if (file.state == State::header_damaged) oldest = std::min(oldest, file.first);
  }
  return oldest == ~0ull ? 1 : oldest;
}

/// "aside/NAME", or with a number behind it if that is taken. Both folders are on the disk.
Result<std::string> place_aside(Disk& disk, const std::string& folder, const std::string& name) {
  const std::string to = fmt::format("{}/{}", folder, aside_folder);
  if (auto r = disk.make_folder(to); !r) return std::unexpected(r.error());
  if (auto r = disk.sync_folder(folder, "folder with aside"); !r) return std::unexpected(r.error());
  const auto names = disk.list(to);
  if (!names) return std::unexpected(names.error());
  std::string free = name;
  for (int n = 2; std::ranges::binary_search(*names, free); ++n) free = fmt::format("{}.{}", name, n);
  return fmt::format("{}/{}", to, free);
}

Result<void> sync_both(Disk& disk, const std::string& folder) {
  if (auto r = disk.sync_folder(fmt::format("{}/{}", folder, aside_folder), "aside"); !r) return r;
  return disk.sync_folder(folder, "folder after a repair");
}

/// Keeps a copy of what is replaced in place; a missing file needs none.
Result<void> keep_copy(Disk& disk, const std::string& folder, const std::string& name, std::size_t most) {
  const auto there = disk.look(folder + "/" + name);
  if (!there) return std::unexpected(there.error());
  if (!*there) return {};
  auto file = disk.open(folder + "/" + name, Disk::Open::read);
  if (!file) return std::unexpected(file.error());
  std::string bytes(most, '\0');
  const auto got = (*file)->read(bytes, 0);
  if (!got) return std::unexpected(got.error());
  const auto to = place_aside(disk, folder, name);
  if (!to) return std::unexpected(to.error());
  auto copy = disk.open(*to, Disk::Open::create);
  if (!copy) return std::unexpected(copy.error());
  if (auto r = (*copy)->write(std::string_view(bytes).substr(0, *got), 0); !r) return r;
  if (auto r = (*copy)->sync("copy aside"); !r) return r;
  return sync_both(disk, folder);
}

Result<void> move_aside(Disk& disk, const std::string& folder, const std::string& name) {
  const auto to = place_aside(disk, folder, name);
  if (!to) return std::unexpected(to.error());
  if (auto r = disk.rename(folder + "/" + name, *to, ""); !r) return r;
  return sync_both(disk, folder);
}

Result<void> write_own(Disk& disk, const std::string& folder, const JournalId& id) {
  const std::string path = fmt::format("{}/{}", folder, id_file), made = path + ".new";
  if (auto r = keep_copy(disk, folder, std::string(id_file), encode_id(id).size()); !r) return r;
  (void)disk.remove(made);
  auto file = disk.open(made, Disk::Open::create);
  if (!file) return std::unexpected(file.error());
  if (auto r = (*file)->write(encode_id(id), 0); !r) return r;
  if (auto r = (*file)->sync("journal's own file"); !r) return r;
  if (auto r = disk.rename(made, path, ""); !r) return r;
  return disk.sync_folder(folder, "folder after a repair");
}

Result<void> write_header(Disk& disk, const std::string& folder, const RepairStep& step) {
  if (auto r = keep_copy(disk, folder, step.file, segment_header_size); !r) return r;
  auto file = disk.open(folder + "/" + step.file, Disk::Open::write);
  if (!file) return std::unexpected(file.error());
  if (auto r = (*file)->write(encode_segment_header(step.header), 0); !r) return r;
  return (*file)->sync("header of a segment");
}

/// Writes it twice, so that both slots can be read.
Result<void> write_cursor(Disk& disk, const std::string& folder, const RepairStep& step) {
  constexpr std::size_t most = 64 << 10;
  if (auto r = keep_copy(disk, folder, step.file, most); !r) return r;
  const auto consumer = step.file.substr(0, step.file.size() - std::string_view(".cursor").size());
  auto cursor = CursorFile::open(disk, folder, consumer, step.position);
  if (!cursor) return std::unexpected(cursor.error());
  for (int slot = 0; slot < 2; ++slot)
    if (auto r = cursor->save(step.position); !r) return r;
  return {};
}

}  // namespace

Result<RepairPlan> plan_repair(Disk& disk, const std::string& folder, const ReadLimits& limits) {
  const auto found = survey(disk, folder, limits);
  if (!found) return std::unexpected(found.error());
  RepairPlan plan;
  if (found->has_newer) plan.refused = "a newer weir has written to it: repair it with that one";
  if (found->mixed)
    plan.refused =
        "it has segments of several journals, and no file `journal` says which of them it is: move the "
        "others away by hand";
  if (!plan.refused.empty()) return plan;
  const JournalId id = found->id.value_or(JournalId{});
  if (found->own != Survey::Own::there && !found->segments.empty())
    plan.steps.push_back({Kind::journal,
                          std::string(id_file),
                          fmt::format("make it again from the segments: {}", found->own_why),
                          {.journal = id},
                          {}});
  for (const auto& file : found->segments) {
    if (file.state == State::header_damaged) {
      const auto header = header_for(disk, folder, *found, file, limits);
      if (!header) return std::unexpected(header.error());
      plan.steps.push_back(
          {Kind::header,
           file.name,
           fmt::format("write its header again, from event {} on: {}", header->first_sequence, file.why),
           *header,
           {}});
    } else if (file.state != State::good) {
      plan.steps.push_back({Kind::aside, file.name, fmt::format("move it to {}/: {}", aside_folder, file.why), {}, {}});
    }
  }
  const Position oldest{oldest_event(*found), 0, 0};
  for (const auto& [name, why] : found->unreadable_cursors)
    plan.steps.push_back(
        {Kind::cursor, name, fmt::format("set it to event {}, the oldest: {}", oldest.sequence, why), {}, oldest});
  return plan;
}

Result<void> apply(Disk& disk, const std::string& folder, const RepairStep& step) {
  switch (step.kind) {
    case Kind::journal: return write_own(disk, folder, step.header.journal);
    case Kind::aside: return move_aside(disk, folder, step.file);
    case Kind::header: return write_header(disk, folder, step);
    case Kind::cursor: return write_cursor(disk, folder, step);
  }
  return {};
}

}  // namespace weir::journal
