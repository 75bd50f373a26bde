#include "file_intake.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <system_error>

#include "log/log.h"

namespace weir::file {
namespace {

constexpr std::size_t piece_bytes = 128 << 10;  // malloc maps each larger block anew: twice the CPU
constexpr std::size_t scratch_bytes = 64 << 10;
constexpr std::size_t bytes_per_event = 16;  // what is reserved for; shorter lines make smaller batches
constexpr auto save_every = std::chrono::seconds(1);
constexpr auto soon = std::chrono::milliseconds(10);  // memory is given back without a notification

}  // namespace

struct FileIntake::RangeBlock {
  Ticket ticket;
  BlockWriter block{0};
  std::size_t got = 0;
};

FileIntake::FileIntake(const IntakeSetup& setup, const FileConfig& config, Watched& watched)
    : config_(config),
      watched_(watched),
      io_(setup.reactor),
      output_(setup.output),
      timer_(setup.reactor),
      writer_(config.watch.source, config.checkpoint),
      scratch_(std::make_unique<char[]>(scratch_bytes)),
      ranges_(config.max_unsettled, config.keep_failed, [this, alive = alive_] {
        boost::asio::post(io_, [this, alive] {
          if (*alive) settled();
        });
      }) {
  if (!config.priorities.from_body()) return;
  auto reader = FieldReader::compile(config.priorities.path, config.max_event);
  WEIR_CHECK(reader.has_value());  // the source has compiled it before
  priority_of_.emplace(std::move(*reader));
}

FileIntake::~FileIntake() {
  *alive_ = false;
  output_.on_room = nullptr;
}

void FileIntake::start() {
  output_.on_room = [this] { schedule(); };
  next_look_ = output_.context().now() + config_.poll;
  schedule();
}

void FileIntake::stop(Duration) {
  stopping_ = true;
  timer_.cancel();
  finish_if_over(output_.context().now());
}

void FileIntake::settled() {
  const auto now = output_.context().now();
  ranges_.collect(now);
  if (stopping_) return finish_if_over(now);
  schedule();
}

void FileIntake::schedule() {
  if (stopping_ || std::exchange(scheduled_, true)) return;
  boost::asio::post(io_, [this, alive = alive_] {
    if (!*alive) return;
    scheduled_ = false;
    turn();
  });
}

void FileIntake::sleep(Duration time) {
  timer_.expires_after(time);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!error && *alive) schedule();
  });
}

void FileIntake::turn() {
  if (stopping_) return;
  const auto now = output_.context().now();
  ranges_.collect(now);
  if (config_.watch.follow && now >= next_look_) {
    watched_.look(now);
    next_look_ = now + config_.poll;
  }
  const Next next = step(now);
  commit_what_holds_no_event();
  save(now, false);
  finish_if_over(now);
  if (next == Next::more) return schedule();
  if (!done_) sleep(next == Next::soon ? Duration(soon) : std::min<Duration>(config_.poll, save_every));
}

FileIntake::Next FileIntake::step(TimePoint now) {
  if (!flow_takes()) return Next::later;
  if (auto* range = ranges_.due(now)) return read_again(*range, now);
  if (!ranges_.has_room()) return Next::later;
  WatchedFile* file = next_file(now);
  if (!file) return Next::later;
  return file->in_large_line ? find_line_end(*file, now) : read_some(*file, now);
}

bool FileIntake::flow_takes() const {
  const auto takes = [&](Priority priority) { return !output_.paused(priority) && output_.ready(priority); };
  const auto& rule = config_.priorities;
  return takes(rule.fallback) &&
         (!rule.from_body() || std::ranges::all_of(rule.map, takes, [](const auto& entry) { return entry.second; }));
}

bool FileIntake::has_more(WatchedFile& file, TimePoint now) {
  const auto size = watched_.check(file, now);
  if (size <= file.read) return file.in_large_line && watched_.ended(file, now);
  if (size != file.looked_at) {
    file.changed = now;
    return true;
  }
  return !file.last_line_taken && watched_.ended(file, now);
}

/// Renamed files come first, because they are older than the files that have their names now. Then one file after the
/// other.
WatchedFile* FileIntake::next_file(TimePoint now) {
  auto& files = watched_.files();
  for (WatchedFile& file : files)
    if (!file.named && has_more(file, now)) return &file;
  if (files.empty()) return nullptr;
  const std::size_t first = ++turn_ % files.size();
  const auto middle = std::next(files.begin(), static_cast<std::ptrdiff_t>(first));
  for (auto file = middle; file != files.end(); ++file)
    if (has_more(*file, now)) return &*file;
  for (auto file = files.begin(); file != middle; ++file)
    if (has_more(*file, now)) return &*file;
  return nullptr;
}

/// False: there is no memory for it now.
bool FileIntake::fill(RangeBlock& piece, const WatchedFile& file, std::uint64_t from, std::size_t most,
                      std::size_t events) {
  Bytes worst = output_.cost(most + 1, events) + Receipt::charge;
  if (priority_of_) worst += block_size(most + 1, events, priority_count);
  auto ticket = output_.reserve(worst);
  if (!ticket) return false;
  piece.ticket = std::move(*ticket);
  piece.block = BlockWriter(most + 1);
  const auto got = file.file.read(piece.block.space().data(), most, from);
  if (got < 0 && !std::exchange(said_read_error_, true))
    log::warn({"source", config_.watch.source}, "{}: cannot read it: {}; it is tried again", terminal_text(file.path),
              std::generic_category().message(static_cast<int>(-got)));
  piece.got = static_cast<std::size_t>(std::max<std::int64_t>(got, 0));
  return true;
}

FileIntake::Next FileIntake::read_some(WatchedFile& file, TimePoint now) {
  const auto size = file.file.size();
  const auto usual = file.piece ? file.piece : piece_bytes;
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(size - std::min(size, file.read), usual));
  RangeBlock piece;
  const auto events = most / bytes_per_event + 16;
  if (!fill(piece, file, file.read, most, events)) return Next::soon;
  const bool to_end = file.read + piece.got >= size;
  const bool last = to_end && watched_.ended(file, now);
  const std::span<char> data(piece.block.space().data(), piece.got);
  const auto lines = find_lines(data, last, config_.max_event.count(), events, index_);
  if (lines.too_large) {
    file.in_large_line = true;
    file.large_from = file.read;
    return Next::more;
  }
  if (lines.used == 0) {
    if (to_end || piece.got == 0)
      file.looked_at = size;
    else
      file.piece = std::min<std::size_t>(most * 2, config_.max_event.count() + 1);
    return Next::more;
  }
  const auto begin = file.read;
  file.read += lines.used;
  file.piece = 0;
  file.last_line_taken = last && file.read >= size;
  if (index_.empty()) return Next::more;
  piece.got = lines.used;
  Ranges::Range& range = ranges_.issue(file, begin, file.read);
  range.events = static_cast<std::uint32_t>(index_.size());
  give(piece, range.receipt(), now);
  return Next::more;
}

FileIntake::Next FileIntake::read_again(Ranges::Range& range, TimePoint now) {
  const auto length = static_cast<std::size_t>(range.end - range.begin);
  RangeBlock piece;
  const bool gone = range.epoch != range.file->epoch;
  if (!gone && range.large_line) {
    if (!output_.dead_letters_ready()) {
      ranges_.postpone(range, now + soon);
      return Next::soon;
    }
    to_dead_letters(range);
    return Next::more;
  }
  if (!gone && !fill(piece, *range.file, range.begin, length, range.events)) {
    ranges_.postpone(range, now + soon);
    return Next::soon;
  }
  const std::span<char> data(piece.block.space().data(), piece.got);
  if (piece.got == length) find_lines(data, true, config_.max_event.count(), range.events, index_);
  if (piece.got != length || index_.empty()) {
    log::warn({"source", config_.watch.source},
              "{}: bytes {} to {} were not stored and cannot be read again: the file was emptied",
              terminal_text(range.file->path), range.begin, range.end);
    ranges_.give_up(range);
    return Next::more;
  }
  give(piece, range.receipt(), now);
  return Next::more;
}

void FileIntake::give(RangeBlock& piece, Receipt& receipt, TimePoint now) {
  const auto space = piece.block.space();
  if (space[piece.got - 1] != '\n') space[piece.got++] = '\n';
  piece.block.wrote(piece.got);
  const auto n = static_cast<std::uint32_t>(index_.size());
  receipt.owe(n);
  BatchInfo info;
  info.priority = config_.priorities.fallback;
  info.received = now;
  info.received_wall = output_.context().wall();
  info.one_line_each = true;
  info.first_id = output_.next_ids(n);
  if (priority_of_) {
    give_by_priority(piece, receipt, info);
  } else {
    const Bytes on_the_way = output_.cost(piece.got, n) - block_size(piece.got, n, 1);
    Batch batch = piece.block.seal(index_, &receipt, info, piece.ticket);
    output_.push(std::move(batch), piece.ticket.split(std::min(on_the_way, piece.ticket.amount())));
  }
  receipt.done_reading();
}

void FileIntake::give_by_priority(RangeBlock& piece, Receipt& receipt, BatchInfo info) {
  const std::string_view data(piece.block.data().data(), piece.got);
  priorities_.clear();
  for (const auto& slot : index_) {
    const auto value = priority_of_->text(data.substr(slot.offset, slot.length));
    priorities_.push_back(value ? config_.priorities.of(*value) : config_.priorities.fallback);
  }
  std::string bytes;
  std::vector<Batch::Slot> mine;
  for (int c = priority_count; c-- > 0;) {
    info.priority = static_cast<Priority>(c);
    bytes.clear();
    mine.clear();
    for (std::size_t i = 0; i < index_.size(); ++i) {
      if (priorities_[i] != info.priority) continue;
      mine.push_back({static_cast<std::uint32_t>(bytes.size()), index_[i].length, index_[i].number});
      bytes.append(data.substr(index_[i].offset, index_[i].length)).push_back('\n');
    }
    if (mine.empty()) continue;
    const Batch::Run run{&receipt, static_cast<std::uint32_t>(mine.size())};
    const Bytes size = block_size(bytes.size(), mine.size(), 1);
    const Bytes on_the_way = output_.cost(bytes.size(), mine.size()) - size;
    Ticket charge = piece.ticket.split(std::min(size, piece.ticket.amount()));
    Ticket spare = piece.ticket.split(std::min(on_the_way, piece.ticket.amount()));
    output_.push(make_batch(bytes, mine, {&run, 1}, info, std::move(charge)), std::move(spare));
  }
}

FileIntake::Next FileIntake::find_line_end(WatchedFile& file, TimePoint now) {
  const auto size = file.file.size();
  const auto got = file.file.read(scratch_.get(), scratch_bytes, file.read);
  if (got < 0) return Next::later;
  const auto n = static_cast<std::size_t>(got);
  const auto* const line_end = static_cast<const char*>(std::memchr(scratch_.get(), '\n', n));
  const bool last = file.read + n >= size && watched_.ended(file, now);
  if (!line_end && !last) {
    file.read += n;
    return Next::more;
  }
  if (output_.has_dead_letters() && !output_.dead_letters_ready()) return Next::soon;
  end_large_line(file, file.read + (line_end ? static_cast<std::size_t>(line_end - scratch_.get()) + 1 : n));
  return Next::more;
}

void FileIntake::end_large_line(WatchedFile& file, std::uint64_t end) {
  if (!std::exchange(said_large_, true))
    log::warn({"source", config_.watch.source},
              "{}: the line of {} bytes at {} is longer than max_event ({} bytes): it {}; this is said once",
              terminal_text(file.path), end - file.large_from, file.large_from, config_.max_event.count(),
              output_.has_dead_letters() ? "goes to the dead letters, cut" : "is stepped over and counted");
  file.in_large_line = false;
  file.read = end;
  output_.refused(output_.has_dead_letters() ? 0 : 1, Reason::event_too_large);
  if (output_.has_dead_letters()) to_dead_letters(ranges_.issue(file, file.large_from, end, true));
}

void FileIntake::to_dead_letters(Ranges::Range& range) {
  const auto length = range.end - range.begin;
  const auto most = std::min<std::uint64_t>({length, scratch_bytes / 8, config_.max_event.count()});
  const auto got = range.file->file.read(scratch_.get(), static_cast<std::size_t>(most), range.begin);
  range.receipt().owe(1);
  output_.dead_letter({scratch_.get(), static_cast<std::size_t>(std::max<std::int64_t>(got, 0))},
                      Reason::event_too_large,
                      fmt::format("a line of {} bytes at {} of {}; these are its first {}", length, range.begin,
                                  terminal_text(range.file->path), got),
                      std::nullopt, &range.receipt());
  range.receipt().done_reading();
}

void FileIntake::commit_what_holds_no_event() {
  for (WatchedFile& file : watched_.files())
    if (file.in_flight == 0) file.committed = file.in_large_line ? file.large_from : file.read;
}

void FileIntake::save(TimePoint now, bool last) {
  if (now < next_save_ && !last) return;
  next_save_ = now + save_every;
  std::string text = encode(watched_.places());
  if (text == saved_) return;
  saved_ = text;
  writer_.write(std::move(text));
}

void FileIntake::finish_if_over(TimePoint now) {
  const auto all_read = [&] {
    return !config_.watch.follow && ranges_.waiting() == 0 &&
           std::ranges::none_of(watched_.files(), [&](WatchedFile& file) { return has_more(file, now); });
  };
  if (done_ || !ranges_.quiet() || !(stopping_ || all_read())) return;
  commit_what_holds_no_event();
  save(now, true);
  done_ = true;
  wait_for_writer();
}

/// Keeps the reactor awake until the last checkpoint is on the disk.
void FileIntake::wait_for_writer() {
  if (writer_.idle()) return;
  timer_.expires_after(std::chrono::milliseconds(1));
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!error && *alive) wait_for_writer();
  });
}

}  // namespace weir::file
