// Checks of the files of a journal together.
#include <fmt/format.h>

#include <algorithm>

#include "journal/inspect.h"

namespace weir::journal {
namespace {

using State = SegmentFile::State;

std::string plural(std::uint64_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

class Checker {
 public:
  Checker(Disk& disk, const std::string& folder, const ReadLimits& limits)
      : disk_(disk), folder_(folder), limits_(limits) {}

  Result<Checked> run() {
    auto survey = journal::survey(disk_, folder_, limits_);
    if (!survey) return std::unexpected(survey.error());
    checked_.findings = survey->findings;
    tell(*survey);
    if (survey->has_newer || survey->mixed) return std::move(checked_);
    const auto found = recover(disk_, folder_, limits_.read_ahead, limits_.largest_record);
    if (!found) return std::unexpected(found.error());
    if (auto r = read(*found); !r) return std::unexpected(r.error());
    tell_voids(*found);
    tell_ahead(*found);
    return std::move(checked_);
  }

 private:
  void add(std::string code, std::string file, std::string what, std::uint64_t events = 0, bool damage = true) {
    checked_.findings.push_back({std::move(code), damage, std::move(file), std::move(what), events});
    checked_.lost += events;
  }

  void tell(const Survey& survey) {
    if (survey.own == Survey::Own::newer)
      add("newer", std::string(id_file), survey.own_why);
    else if (survey.own != Survey::Own::there && !survey.segments.empty())
      add("journal", std::string(id_file), survey.own_why + "; `weir journal repair` makes it again from the segments");
    if (survey.mixed)
      add("mixed", "",
          "segments of several journals, and no file `journal` says which of them this is: move the "
          "others away by hand, and check again; no records were read");
    for (const auto& file : survey.segments) {
      if (file.state == State::header_damaged) add("header", file.name, file.why + "; its records can be read");
      if (file.state == State::unreadable) add("unreadable", file.name, file.why + ", and no record in it is whole");
      if (file.state == State::foreign) add("foreign", file.name, file.why);
      if (file.state == State::copy) add("copy", file.name, file.why);
      if (file.state == State::newer) add("newer", file.name, file.why + "; no records were read");
    }
    for (const auto& [name, why] : survey.unreadable_cursors)
      add("cursor", name, why + "; its consumer starts again at the oldest event");
  }

  Result<void> read(const Recovered& found) {
    checked_.segments = found.segments.size();
    checked_.first = checked_.end = found.end.sequence;
    for (const auto& segment : found.segments)
      if (segment.end > segment.first) checked_.first = std::min(checked_.first, segment.first);
    Walk walk(disk_, folder_, found, 0, limits_);
    for (;;) {
      const auto record = walk.next();
      if (!record) return std::unexpected(record.error());
      for (const auto& hole : walk.take_holes()) tell(hole, found);
      if (!*record) break;
      ++checked_.records;
      checked_.events += (*record)->header.events;
      checked_.bytes += (*record)->size;
    }
    if (found.torn_bytes)
      add("torn", numbered(found.segments.back().number, "segment"),
          fmt::format("{} at its end are of a write that was never promised; the next start leaves them out",
                      plural(found.torn_bytes, "byte")),
          0, false);
    return {};
  }

  void tell(const Hole& hole, const Recovered& found) {
    const std::string events = hole.events == 0   ? "no event is lost"
                               : hole.events == 1 ? fmt::format("event {} is lost", hole.first)
                                                  : fmt::format("events {} to {} are lost ({})", hole.first,
                                                                hole.first + hole.events - 1, hole.events);
    const std::string name = numbered(hole.segment, "segment");
    if (hole.bytes > 0)
      return add(
          "records", name,
          fmt::format("{} from offset {} on cannot be read; {}", plural(hole.bytes, "byte"), hole.offset, events),
          hole.events);
    const auto after = std::ranges::upper_bound(found.segments, hole.segment, {}, &Segment::number);
    const bool number_missing = after != found.segments.end() && after->number > hole.segment + 1;
    add("missing", name,
        number_missing
            ? fmt::format("what lay between segments {} and {} is missing; {}", hole.segment, after->number, events)
            : fmt::format("it ends too early, at offset {}; {}", hole.offset, events),
        hole.events);
  }

  /// A cursor that is ahead moves the end: those events were read, and are no longer there.
  void tell_ahead(const Recovered& found) {
    const std::uint64_t end = found.segments.empty() ? 1 : found.segments.back().end;
    for (const auto& [name, cursor] : found.cursors) {
      if (!cursor || cursor->sequence <= end || found.segments.empty()) continue;
      add("ahead", name + ".cursor",
          fmt::format("it stands at event {}, and the newest that is there is {}: with durability interval or none a "
                      "loss of power does this, with commit the disk has lost them",
                      cursor->sequence, end - 1));
    }
  }

  void tell_voids(const Recovered& found) {
    for (const auto& segment : found.segments)
      if (segment.end <= segment.first && &segment != &found.segments.back())
        add("void", numbered(segment.number, "segment"),
            fmt::format("nothing in it counts: what was written to it from event {} on was taken back by a later one",
                        segment.first),
            0, false);
  }

  Disk& disk_;
  const std::string& folder_;
  const ReadLimits limits_;
  Checked checked_;
};

}  // namespace

Result<Checked> check(Disk& disk, const std::string& folder, const ReadLimits& limits) {
  return Checker(disk, folder, limits).run();
}

}  // namespace weir::journal
