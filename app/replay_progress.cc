#include "replay_progress.h"

#include <fmt/format.h>
#include <weir/base/json_text.h>

#include <filesystem>

namespace weir::app {
namespace {

constexpr std::size_t state_file_bytes = 64 << 10;

}  // namespace

std::string encode(const ReplayProgress& progress) {
  return fmt::format(R"({{"weir_replay":1,"what":{},"identity":{},"next":{},"offset":{},"replayed":{},"refused":{}}})"
                     "\n",
                     json_text(progress.what), json_text(progress.identity), progress.place.next, progress.place.offset,
                     progress.replayed, progress.refused);
}

std::optional<ReplayProgress> decode_progress(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  std::uint64_t version = 0;
  std::string_view what, identity;
  ReplayProgress progress;
  if (parser.parse(simdjson::padded_string(text)).get(root) || root["weir_replay"].get(version) || version != 1 ||
      root["what"].get(what) || root["identity"].get(identity) || root["next"].get(progress.place.next) ||
      root["offset"].get(progress.place.offset) || root["replayed"].get(progress.replayed) ||
      root["refused"].get(progress.refused))
    return std::nullopt;
  progress.what = what;
  progress.identity = identity;
  return progress;
}

std::string progress_path(std::string from) {
  while (from.size() > 1 && from.ends_with('/')) from.pop_back();
  return from + ".replay";
}

Result<std::optional<ReplayProgress>> load_progress(const std::string& path) {
  const auto there = journal::system_disk().look(path);
  if (!there) return std::unexpected(there.error());  // beginning anew would send everything again
  if (!*there) return std::nullopt;
  auto file = journal::system_disk().open(path, journal::Disk::Open::read);
  if (!file) return std::unexpected(file.error());
  std::string text(state_file_bytes, '\0');
  const auto got = (*file)->read(text, 0);
  if (!got) return std::unexpected(got.error());
  text.resize(*got);
  auto progress = decode_progress(text);
  if (!progress) return failure(path + " cannot be read as the progress of a replay: --restart begins anew");
  return progress;
}

/// Replaces the old file in one step.
Result<void> save_progress(const std::string& path, const ReplayProgress& progress) {
  journal::Disk& disk = journal::system_disk();
  const std::string made = path + ".new";
  (void)disk.remove(made);
  auto file = disk.open(made, journal::Disk::Open::create);
  if (!file) return std::unexpected(file.error());
  if (auto r = (*file)->write(encode(progress), 0); !r) return r;
  if (auto r = (*file)->sync("replay"); !r) return r;
  if (auto r = disk.rename(made, path, "replay"); !r) return r;
  const auto parent = std::filesystem::path(path).parent_path().string();
  return disk.sync_folder(parent.empty() ? "." : parent, "replay");
}

}  // namespace weir::app
