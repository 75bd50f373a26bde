// Checks of each file by itself. Checks of all files together are in inspect_check.cc.
#include "journal/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace weir::journal {
namespace {

using State = SegmentFile::State;

class Surveyor {
 public:
  Surveyor(Disk& disk, const std::string& folder, const ReadLimits& limits)
      : disk_(disk), folder_(folder), limits_(limits) {}

  Result<Survey> run() {
    const auto names = disk_.list(folder_);
    if (!names) return std::unexpected(names.error());
    if (auto r = look_at_own(*names); !r) return std::unexpected(r.error());
    for (const auto& name : *names)
      if (auto r = look_at(name); !r) return std::unexpected(r.error());
    judge_owners();
    for (auto& file : found_.segments)
      if (file.state == State::unreadable)
        if (auto r = look_without_header(file); !r) return std::unexpected(r.error());
    return std::move(found_);
  }

 private:
  Result<std::string> first_block(const std::string& name, std::size_t size) {
    auto file = disk_.open(folder_ + "/" + name, Disk::Open::read);
    if (!file) return std::unexpected(file.error());
    std::string block(size, '\0');
    const auto got = (*file)->read(block, 0);
    if (!got) return std::unexpected(got.error());
    block.resize(*got);
    return block;
  }

  Result<void> look_at_own(const std::vector<std::string>& names) {
    found_.own = Survey::Own::missing;
    found_.own_why = "it is missing";
    if (!std::ranges::binary_search(names, std::string(id_file))) return {};
    const std::string like = encode_id({});
    const auto block = first_block(std::string(id_file), like.size());
    if (!block) return std::unexpected(block.error());
    const auto content = open_block(std::string_view(like).substr(0, 8), *block);
    JournalId id;
    if (content && content->size() == id.size()) {
      std::memcpy(id.data(), content->data(), id.size());
      found_.id = id;
      found_.own = Survey::Own::there;
      return {};
    }
    found_.own_why = content ? "it has the wrong length" : content.error().message;
    const bool newer = !content && content.error().kind == Error::Kind::unsupported;
    found_.own = newer ? Survey::Own::newer : Survey::Own::damaged;
    found_.has_newer = newer;
    return {};
  }

  Result<void> look_at(const std::string& name) {
    if (const auto number = number_of(name, "segment")) return look_at_segment(name, *number);
    if (name == id_file || name == lock_file || name == "reserve" || name == "aside" || number_of(name, "spare"))
      return {};
    if (number_of(name, "new") || name.ends_with(".cursor.new") || name == std::string(id_file) + ".new") {
      note("unfinished", name, "it was being made; the next start removes it, nothing in it was promised");
    } else if (name.ends_with(".cursor")) {
      return look_at_cursor(name);
    } else if (name.ends_with(".damaged")) {
      note("kept", name, "a copy of bytes that could not be read; remove it when nobody wants to look at it any more");
    } else {
      note("unknown", name, "it is no file of a journal; nothing else should be in this folder");
    }
    return {};
  }

  void note(std::string code, const std::string& file, std::string what) {
    found_.findings.push_back({std::move(code), false, file, std::move(what), 0});
  }

  Result<void> look_at_cursor(const std::string& name) {
    const auto cursor = CursorFile::look(disk_, folder_ + "/" + name);
    if (!cursor && cursor.error().kind != Error::Kind::unsupported) return std::unexpected(cursor.error());
    if (!cursor) {
      found_.has_newer = true;
      found_.findings.push_back({"newer", true, name, cursor.error().message, 0});
    } else if (!*cursor) {
      found_.unreadable_cursors[name] = "neither of its slots can be read";
    }
    return {};
  }

  Result<void> look_at_segment(const std::string& name, std::uint64_t number) {
    SegmentFile file{.name = name, .number = number};
    const auto block = first_block(name, segment_header_size);
    if (!block) return std::unexpected(block.error());
    const auto header = decode_segment_header(*block);
    if (header) {
      file.header = *header;
      if (header->number != number) {
        file.state = State::copy;
        file.why = fmt::format("it is a copy of segment {}; weir leaves it alone", header->number);
      }
    } else {
      file.why = header.error().message;
      if (header.error().kind == Error::Kind::unsupported) {
        file.state = State::newer;
        found_.has_newer = true;
      } else {
        file.state = State::unreadable;
      }
    }
    found_.segments.push_back(std::move(file));
    return {};
  }

  /// The epoch of its records depends on the journal they belong to.
  Result<void> look_without_header(SegmentFile& file) {
    auto scan = scan_of(disk_, folder_, found_.id.value_or(JournalId{}), file.number, limits_);
    if (!scan) return std::unexpected(scan.error());
    const auto size = scan->file().size();
    if (!size) return std::unexpected(size.error());
    const auto place = scan->next_good(0, *size);
    if (!place) return std::unexpected(place.error());
    file.state = *place ? State::header_damaged : State::unreadable;
    if (!*place) return {};
    const auto record = scan->at(**place, *size);
    if (!record) return std::unexpected(record.error());
    WEIR_CHECK(record->has_value());
    file.first = (*record)->header.sequence;
    file.wall = (*record)->header.received_wall;
    file.place = **place;
    return {};
  }

  /// Without the file `journal` the segments say which journal this is, if they agree.
  void judge_owners() {
    std::set<JournalId> ids;
    for (const auto& file : found_.segments)
      if (file.state == State::good) ids.insert(file.header.journal);
    const bool all_others = found_.id && !ids.empty() && !ids.contains(*found_.id);
    if (all_others) {
      found_.own = Survey::Own::damaged;
      found_.own_why = "it names another journal than every segment does, so weir reads none of them";
      found_.id.reset();
    }
    if (!found_.id && ids.size() == 1) found_.id = *ids.begin();
    found_.mixed = !found_.id && ids.size() > 1;
    if (!found_.id) return;
    for (auto& file : found_.segments)
      if (file.state == State::good && file.header.journal != *found_.id) {
        file.state = State::foreign;
        file.why = "it belongs to another journal; weir leaves it alone";
      }
  }

  Disk& disk_;
  const std::string& folder_;
  const ReadLimits limits_;
  Survey found_;
};

}  // namespace

Result<Survey> survey(Disk& disk, const std::string& folder, const ReadLimits& limits) {
  return Surveyor(disk, folder, limits).run();
}

Result<bool> is_journal(Disk& disk, const std::string& folder) {
  const auto names = disk.list(folder);
  if (!names) return std::unexpected(names.error());
  return std::ranges::any_of(*names, [](const std::string& name) {
    return name == id_file || number_of(name, "segment") || name.ends_with(".cursor");
  });
}

bool Checked::damaged() const { return std::ranges::any_of(findings, &Finding::damage); }

}  // namespace weir::journal
