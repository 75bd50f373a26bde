#include "file_sink.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>
#include <weir/component/mode_option.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "lines.h"
#include "log/log.h"
#include "written_disk.h"

namespace weir::file {
namespace {

constexpr int most_tries = 3;  // of one delivery, while somebody takes its file away

bool syncs(const Options& options) { return options.get_or<std::string>("sync", "commit") == "commit"; }
bool packs(const Options& options) { return options.get_or<std::string>("compression", "none") == "gzip"; }

std::optional<int> gzip_level(const Options& options) {
  if (!packs(options)) return std::nullopt;
  return options.get_or<std::string>("level", "6").front() - '0';  // a choice of 1 to 9
}

template <typename T>
std::optional<T> optional(const Options& options, std::string_view name) {
  return options.has(name) ? std::optional(options.get<T>(name)) : std::nullopt;
}

constexpr std::uint64_t most_rotated = 9'999'999;

/// The number of a name that a rotation here has made. A date (out.20261130) or another's number (out.1) is none:
/// whoever gave such a name keeps its file.
std::optional<std::uint64_t> rotated_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto* const end = digits.data() + digits.size();
  if (std::from_chars(digits.data(), end, number).ptr != end || number == 0 || number > most_rotated) return {};
  return digits == fmt::format("{:06}", number) ? std::optional(number) : std::nullopt;
}

}  // namespace

FileSink::FileSink(std::string name, const Options& options, std::unique_ptr<Disk> disk)
    : name_(std::move(name)),
      disk_(std::move(disk)),
      log_(options.text("path"), syncs(options), gzip_level(options), *disk_),
      rotate_size_(optional<Bytes>(options, "rotate_size")),
      rotate_keep_(optional<std::uint64_t>(options, "rotate_keep")) {}

Result<void> FileSink::open() {
  auto opened = log_.open();
  tell();
  if (!opened) opened.error().message = fmt::format("sink {}: {}", name_, opened.error().message);
  return opened;
}

/// What was done to the file, one line each time.
void FileSink::tell() {
  if (const auto note = log_.take_note(); !note.empty())
    log::warn({"sink", name_}, "{}: {}", terminal_text(log_.path()), terminal_text(note));
}

Delivery FileSink::again(const Error& error) const {
  return Delivery::again(
      Error{error.kind, fmt::format("sink {}: {}", name_, error.message), error.retry_after, error.reason});
}

Delivery FileSink::deliver(std::span<const Batch> batches) {
  Load all;
  for (const Batch& batch : batches) all += batch.load();
  if (all.empty()) return {};
  const Bytes text = all.bytes + Bytes(all.events);
  // The packed size is not known before, and no file may grow beyond its limit.
  if (auto ready = make_room(log_.packs() ? packed_at_most(text) : text); !ready) return again(ready.error());
  for (int tries = 1;; ++tries) {
    Delivery delivery;
    log_.begin();
    for (std::uint32_t i = 0; i < batches.size(); ++i) append_lines(log_, batches[i], i, delivery.refused);
    auto committed = log_.commit();
    tell();
    if (committed) return delivery;
    if (!log_.disturbed() || tries == most_tries) return again(committed.error());
    if (auto found = log_.find(); !found) return again(found.error());
    tell();
  }
}

Result<std::string> FileSink::on_hangup() {
  reopen_ = true;
  return "opens " + log_.path() + " again before its next delivery";
}

Result<void> FileSink::make_room(Bytes coming) {
  if (reopen_.exchange(false)) log_.close();
  auto found = log_.find();
  tell();
  if (!found) return found;
  if (!rotate_size_ || log_.length() == 0 || Bytes(log_.length()) + coming <= *rotate_size_) return {};
  return rotate();
}

Result<std::vector<std::uint64_t>> FileSink::rotated_numbers() const {
  const auto slash = log_.path().rfind('/');
  const auto prefix = log_.path().substr(slash == std::string::npos ? 0 : slash + 1) + ".";
  const auto names = disk_->list(log_.folder());
  if (!names) return std::unexpected(log_.error(-names.error(), "cannot list its folder to rotate it"));
  std::vector<std::uint64_t> numbers;
  for (const std::string_view file : *names)
    if (file.starts_with(prefix))
      if (const auto number = rotated_number(file.substr(prefix.size()))) numbers.push_back(*number);
  std::ranges::sort(numbers);
  return numbers;
}

Result<void> FileSink::rotate() {
  // Numbers only grow and no file is renamed twice, so a reader never finds another file under a name it knows.
  auto numbers = rotated_numbers();
  if (!numbers) return std::unexpected(numbers.error());
  numbers->push_back(numbers->empty() ? 1 : numbers->back() + 1);
  if (numbers->back() > most_rotated)
    return failure(fmt::format("{}: {} is the last number there is: move the rotated files away", log_.path(),
                               rotated_name(most_rotated)));
  if (auto rotated = log_.rotate(rotated_name(numbers->back())); !rotated) return rotated;
  remove_oldest(*numbers);
  return {};
}

std::string FileSink::rotated_name(std::uint64_t number) const { return fmt::format("{}.{:06}", log_.path(), number); }

/// Of those that were seen before the file of now got the last of these numbers: that one is never the oldest.
void FileSink::remove_oldest(std::span<const std::uint64_t> numbers) {
  if (!rotate_keep_) return;
  for (; numbers.size() > *rotate_keep_; numbers = numbers.subspan(1)) {
    const int removed = disk_->remove(rotated_name(numbers.front()));
    if (removed < 0 && removed != -ENOENT)
      log::warn({"sink", name_}, "{}",
                terminal_text(log_.error(removed, "cannot remove " + rotated_name(numbers.front())).message));
  }
}

SinkType sink_type() {
  SinkType type;
  type.name = "file";
  type.summary = "appends one event a line to a file, synced to the disk once a delivery";
  type.options = {
      {.name = "path", .kind = OptionKind::path, .required = true, .help = "The file; it and its folder are created."},
      {.name = "sync",
       .kind = OptionKind::choice,
       .fallback = "commit",
       .help = "commit: on the disk before it is confirmed. none: handed to the system only.",
       .choices = {"commit", "none"}},
      {.name = "compression",
       .kind = OptionKind::choice,
       .fallback = "none",
       .help = "gzip: each delivery is one member; zcat reads the file, also while it grows.",
       .choices = {"none", "gzip"}},
      {.name = "level",
       .kind = OptionKind::choice,
       .fallback = "6",
       .help = "Of gzip: 1 is fastest, 9 smallest.",
       .choices = {"1", "2", "3", "4", "5", "6", "7", "8", "9"}},
      {.name = "rotate_size", .kind = OptionKind::size, .help = "Begins a new file before this one grows beyond it."},
      {.name = "rotate_keep",
       .kind = OptionKind::count,
       .help = "Deletes the oldest rotated files beyond so many; by default all are kept."},
      mode_option("Who may read and write the files it makes; those that are there keep theirs."),
  };
  type.refuses = [](const Options&) { return Refuses::line_feeds; };
  type.ack = [](const Options& options) { return syncs(options) ? SinkAck::durable : SinkAck::sent; };
  type.max_workers = [](const Options&) { return 1; };
  type.footprint = [](const Options& options, Load) {
    const Bytes fixed = packs(options) ? 32_KiB + gzip_footprint : 32_KiB;
    return std::vector{Footprint{.fixed = fixed, .per_unit = {}, .unit = "file"}};
  };
  type.make = [](const SinkSetup& setup) {
    return std::make_unique<FileSink>(setup.name, setup.options,
                                      std::make_unique<WrittenDisk>(setup.context.written(), mode_of(setup.options)));
  };
  return type;
}

}  // namespace weir::file
