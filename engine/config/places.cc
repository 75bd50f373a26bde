// Folders and files of one configuration that are in each other's way: two parts in one place, one part inside of what
// is another's, a source that reads what lies in somebody's folder. Links are followed as far as they are there.
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>

#include "config/checks.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;

struct Place {
  fs::path at;         // absolute, without links
  std::string said;    // as it was written
  std::string owner;   // "journals.log", "sinks.out"
  std::string option;  // where it is written: "journals.log.path"
  std::string verb;    // what its owner does there: "lives"
};

fs::path resolved(const std::string& path) {
  std::error_code wrong;
  const fs::path whole = fs::absolute(path, wrong).lexically_normal();
  fs::path found = fs::weakly_canonical(whole, wrong);
  if (wrong) found = whole;
  return found.has_filename() ? found : found.parent_path();
}

bool is_inside(const fs::path& inner, const fs::path& outer) {
  const auto [left, at] = std::ranges::mismatch(outer, inner);
  return left == outer.end() && at != inner.end();
}

bool has_path(const std::vector<OptionSpec>& specs, const Options& options) {
  return options.has("path") && std::ranges::any_of(specs, [](const OptionSpec& spec) {
           return spec.name == "path" && spec.kind == OptionKind::path;
         });
}

Place place(const std::string& said, const std::string& owner, const std::string& option, const char* verb) {
  return {resolved(said), said, owner, option, verb};
}

/// Of journals and spills: nobody else may write there.
std::vector<Place> folders_of(const Catalog& catalog, const Draft& draft) {
  std::vector<Place> folders;
  for (const Sink& sink : draft.config.sinks) {
    const JournalType* journal = sink.is_journal ? catalog.journal(sink.type) : nullptr;
    if (journal && !draft.broken.contains(sink.name) && has_path(journal->options, sink.options))
      folders.push_back(place(sink.options.text("path"), sink.path(), sink.path() + ".path", "lives"));
    if (sink.spills())
      folders.push_back(place(sink.spill.path, sink.path(), sink.path() + ".queue.spill.path", "spills"));
  }
  return folders;
}

/// What sinks write, and the checkpoints of sources.
std::vector<Place> files_of(const Catalog& catalog, const Draft& draft) {
  std::vector<Place> files;
  for (const Sink& sink : draft.config.sinks) {
    const SinkType* type = sink.is_journal ? nullptr : catalog.sink(sink.type);
    if (type && !draft.broken.contains(sink.name) && has_path(type->options, sink.options))
      files.push_back(place(sink.options.text("path"), sink.path(), sink.path() + ".path", "writes"));
  }
  for (const Source& source : draft.config.sources)
    if (!source.is_consumer() && source.options.has("checkpoint"))
      files.push_back(place(source.options.text("checkpoint"), source.path(), source.path() + ".checkpoint",
                            "notes how far everything is settled"));
  return files;
}

void check_folders(Reader& reader, const std::vector<Place>& folders) {
  for (auto later = folders.begin(); later != folders.end(); ++later)
    for (auto first = folders.begin(); first != later; ++first) {
      const bool inner = is_inside(later->at, first->at);
      if (later->at == first->at)
        reader.error_at(later->option, fmt::format("{} is where {} {}", later->said, first->owner, first->verb),
                        "give each a folder of its own");
      else if (inner || is_inside(first->at, later->at))
        reader.error_at(
            later->option,
            inner ? fmt::format("{} lies in {}, where {} {}", later->said, first->said, first->owner, first->verb)
                  : fmt::format("{}, where {} {}, lies in {}", first->said, first->owner, first->verb, later->said),
            "give each a folder of its own, neither inside the other");
    }
}

/// What lies beside the files of a journal is in the way of whoever looks after it, and is moved or removed with it.
void check_files(Reader& reader, const std::vector<Place>& folders, const std::vector<Place>& files) {
  for (const Place& file : files)
    for (const Place& folder : folders) {
      if (file.at == folder.at)
        reader.error_at(file.option, fmt::format("{} is the folder where {} {}", file.said, folder.owner, folder.verb),
                        "name a file in another folder");
      else if (is_inside(file.at, folder.at))
        reader.warning_at(file.option, fmt::format("lies in {}, where {} {}", folder.said, folder.owner, folder.verb),
                          "name a file in another folder: that one is for nobody else");
    }
}

/// Several sinks may write one file, each its own lines, and one database; a checkpoint is nobody else's.
void check_checkpoints(Reader& reader, const Draft& draft, const std::vector<Place>& files) {
  for (auto later = files.begin(); later != files.end(); ++later)
    for (auto first = files.begin(); first != later; ++first) {
      if (later->at != first->at) continue;
      if (later->option.ends_with(".checkpoint") || first->option.ends_with(".checkpoint")) {
        reader.error_at(later->option, fmt::format("{} is where {} {}", later->said, first->owner, first->verb),
                        "name another file");
        continue;
      }
      const auto type_of = [&](const std::string& owner) {
        return std::ranges::find(draft.config.sinks, owner, &Sink::path)->type;
      };
      if (type_of(later->owner) != type_of(first->owner))
        reader.error_at(later->option,
                        fmt::format("{} is what {} writes, and in another form", later->said, first->owner),
                        "name another file");
    }
}

/// Whether the pattern takes some file of a journal for one to be read.
bool takes_files_of_journals(const std::string& pattern) {
  for (const char* name :
       {"00000000000000000001.segment", "00000000000000000001.spare", "lock", "reserve", "journal", "consumer.cursor"})
    if (::fnmatch(pattern.c_str(), name, FNM_PERIOD) == 0) return true;
  return false;
}

void check_readers(Reader& reader, const Catalog& catalog, const Draft& draft, const std::vector<Place>& folders) {
  for (const Source& source : draft.config.sources) {
    const SourceType* type = catalog.source(source.type);
    if (!type || source.is_consumer() || draft.broken.contains(source.name) || !has_path(type->options, source.options))
      continue;
    const fs::path read = source.options.text("path");
    const std::string pattern = read.filename();
    const fs::path from = resolved(read.has_parent_path() ? read.parent_path().string() : ".");
    for (const Place& folder : folders) {
      if (from == folder.at && takes_files_of_journals(pattern))
        reader.error_at(source.path() + ".path",
                        fmt::format("reads from {}, where {} {}: it would take that one's files for events",
                                    folder.said, folder.owner, folder.verb),
                        fmt::format("read {} by from: instead, or another folder", folder.owner));
      else if (from == folder.at.parent_path() &&
               ::fnmatch(pattern.c_str(), folder.at.filename().c_str(), FNM_PERIOD) == 0)
        reader.warning_at(
            source.path() + ".path",
            fmt::format("its pattern takes {}, where {} {}, for a file", folder.said, folder.owner, folder.verb),
            "use a narrower pattern, or another folder");
    }
  }
}

}  // namespace

void check_places(Reader& reader, const Catalog& catalog, const Draft& draft) {
  const auto folders = folders_of(catalog, draft), files = files_of(catalog, draft);
  check_folders(reader, folders);
  check_files(reader, folders, files);
  check_checkpoints(reader, draft, files);
  check_readers(reader, catalog, draft, folders);
}

}  // namespace weir::config
