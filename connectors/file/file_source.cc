#include "file_source.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>
#include <weir/component/mode_option.h>

#include <algorithm>
#include <cerrno>

#include "disk.h"
#include "file_sink.h"

namespace weir::file {
namespace {

/// On the other reactors: one reads, so that a file's lines stay in order.
class IdleIntake final : public Intake {
 public:
  void start() override {}
  void stop(Duration) override {}
  void abandon() override {}
  bool quiet() const override { return true; }
};

class FileSource final : public Source {
 public:
  FileSource(FileConfig config, const Context& context, InputDisk& disk)
      : config_(std::move(config)), context_(context), watched_(std::make_shared<Watched>(config_.watch, disk)) {}
  ~FileSource() override {
    watched_->forget_written();
    if (lock_ >= 0) Disk().close(lock_);
  }

  Result<void> check() const override {
    const auto& watch = config_.watch;
    if (watch.max_files == 0 || watch.max_files > 4096) return failure("max_files must be between 1 and 4096");
    if (config_.max_event < 1_B || config_.max_event > 16_MiB) return failure("max_event must be between 1B and 16MiB");
    if (config_.poll < std::chrono::milliseconds(1)) return failure("poll must be at least 1ms");
    const auto slash = watch.path.rfind('/');
    if (slash != watch.path.npos && watch.path.substr(0, slash).find_first_of("*?[") != watch.path.npos)
      return failure(fmt::format("{}: only the name of the file may be a pattern, not its folder: name the folder",
                                 terminal_text(watch.path)));
    if (config_.priorities.from_header())
      return failure("a line has no headers: take the priority from a field, as .severity");
    if (config_.priorities.from_body())
      if (auto field = FieldReader::compile(config_.priorities.path, config_.max_event); !field)
        return failure(field.error().message);
    return {};
  }

  Result<void> open() override {
    auto opened = check();
    if (opened) opened = lock();
    if (opened) opened = begin();
    return opened;
  }
  std::unique_ptr<Intake> intake(const IntakeSetup& setup) override {
    if (setup.index != 0) return std::make_unique<IdleIntake>();
    return std::make_unique<FileIntake>(setup, config_, watched_);
  }
  std::string address() const override { return terminal_text(config_.watch.path); }
  bool at_end() const override { return config_.stops_at_end && config_.over->load(std::memory_order_acquire); }
  Upstream upstream() const override {
    const auto limits = watched_->limits();
    Upstream side;
    side.counts = {{"files_emptied", limits.emptied},
                   {"limits_reached", limits.reached},
                   {"own_output_files", limits.own},
                   {"could_not_look", limits.complaints}};
    if (limits.without_place > 0)
      side.trouble = fmt::format("{} files wait for a place: max_files ({}) are open", limits.without_place,
                                 config_.watch.max_files);
    if (limits.places_are_full)
      side.trouble = fmt::format(
          "{} files are not read: the places of as many finished files as can be are noted; "
          "move finished files out of the folder",
          limits.without_place);
    if (limits.too_many_names) side.trouble = "its folder has more names than are looked at";
    if (!limits.complaint.empty()) side.trouble = limits.complaint;
    return side;
  }

 private:
  /// Two sources with one checkpoint would overwrite each other's positions.
  Result<void> lock() {
    const auto name = config_.checkpoint + ".lock";
    const auto slash = name.rfind('/');
    if (slash != name.npos) Disk().make_folders(name.substr(0, slash));
    lock_ = Disk(config_.checkpoint_mode).open(name);
    if (lock_ >= 0) return {};
    return failure(fmt::format("checkpoint {}: {}", terminal_text(config_.checkpoint),
                               lock_ == -EWOULDBLOCK
                                   ? "another process (or another source) has it: name another with checkpoint:"
                                   : "cannot be written: give this user write permission in its folder, or name "
                                     "another with checkpoint:"));
  }

  Result<void> begin() {
    auto places = load_checkpoint(config_.checkpoint);
    if (!places) return std::unexpected(places.error());
    return watched_->start(std::move(*places), context_.now());
  }

  FileConfig config_;
  const Context& context_;
  const std::shared_ptr<Watched> watched_;
  int lock_ = -1;
};

std::string default_checkpoint(const std::string& path) {
  const auto name = path.rfind('/') + 1;  // 0 when there is no folder
  std::string file = path.substr(name);
  std::ranges::replace_if(file, [](char c) { return std::string_view("*?[]").find(c) != std::string_view::npos; }, '_');
  return path.substr(0, name) + "." + file + ".checkpoint";
}

std::vector<OptionSpec> options() {
  using enum OptionKind;
  return {
      {"path", path, {}, true, "The file; its name may be a pattern (*, ?, [...]), its folder may not."},
      {"mode",
       choice,
       "read",
       false,
       "read: to the end, once. follow: what is added later as well.",
       {"read", "follow"}},
      {"at_end",
       choice,
       "stop",
       false,
       "mode: read. stop: when the input of every source has ended and is delivered, the run is over. wait: it goes "
       "on.",
       {"stop", "wait"}},
      {"start_at",
       choice,
       "beginning",
       false,
       "Where a file begins that was there at the first start, when there is no checkpoint yet.",
       {"beginning", "end"}},
      {"checkpoint",
       path,
       {},
       false,
       "Where it notes how far everything is settled; by default .NAME.checkpoint beside the file."},
      mode_option("Who may read and write the checkpoint when it is made; later it keeps the mode it has.",
                  "checkpoint_mode"),
      {"max_event", size, "256KiB", false,
       "The longest line; longer ones are dead-lettered, or counted; at most 16MiB."},
      {"max_files", count, "64", false, "Most files open at once; at most 4096."},
      {"max_unsettled", size, "8MiB", false,
       "How far it may read ahead of what is settled, and so how much a crash makes it read again."},
      {"poll", duration, "250ms", false, "How often it looks for new lines and new files."},
      {"rotate_wait", duration, "5s", false,
       "A file that was renamed or deleted and has not grown for so long has ended."},
  };
}

}  // namespace

FileConfig read_config(const SourceSetup& setup) {
  const Options& o = setup.options;
  FileConfig config;
  config.watch.source = setup.name;
  config.watch.path = o.text("path");
  config.watch.max_files = o.get_or<std::uint64_t>("max_files", 64);
  config.watch.follow = o.get_or<std::string>("mode", "read") == "follow";
  config.stops_at_end = !config.watch.follow && o.get_or<std::string>("at_end", "stop") == "stop";
  config.watch.from_end = o.get_or<std::string>("start_at", "beginning") == "end";
  config.watch.rotate_wait = o.get_or<Duration>("rotate_wait", std::chrono::seconds(5));
  config.checkpoint_mode = mode_of(o, "checkpoint_mode");
  config.watch.written = &setup.context.written();
  config.checkpoint = o.get_or<std::string>("checkpoint", default_checkpoint(config.watch.path));
  for (const char* ending : {"", ".lock", ".new"}) config.watch.own.push_back(config.checkpoint + ending);
  config.max_event = o.get_or<Bytes>("max_event", 256_KiB);
  config.max_unsettled = o.get_or<Bytes>("max_unsettled", 8_MiB);
  config.poll = o.get_or<Duration>("poll", std::chrono::milliseconds(250));
  config.keep_failed = setup.acks == Level::stored;
  config.priorities = setup.priorities;
  return config;
}

SourceType source_type(InputDisk& disk, bool read_in_place) {
  SourceType type;
  type.name = "file";
  type.summary = "reads lines from files, once or as they grow, and goes on after a restart where it was";
  type.options = options();
  type.can = {.can_pause = true, .can_refuse = false, .can_replay = true};
  type.strongest = Level::stored;
  type.makes_lines = true;
  type.origin = {Attribute::file, Attribute::offset};
  type.footprint = [](const Options& o, int) {
    const auto files = o.get_or<std::uint64_t>("max_files", 64);
    const Bytes index(16'400 * sizeof(Batch::Slot) * 2);
    return std::vector{Footprint{.fixed = index + 128_KiB, .per_unit = 2_KiB, .max_units = files, .unit = "open file"}};
  };
  type.make = [&disk, read_in_place](const SourceSetup& setup) -> std::unique_ptr<Source> {
    FileConfig config = read_config(setup);
    config.read_in_place = read_in_place;
    return std::make_unique<FileSource>(std::move(config), setup.context, disk);
  };
  return type;
}

void add_to(Catalog& catalog) {
  catalog.add(source_type());
  catalog.add(sink_type());
}

}  // namespace weir::file
