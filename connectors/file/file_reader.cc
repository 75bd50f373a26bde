#include "file_reader.h"

#include <weir/base/terminal_text.h>
#include <weir/component/text_start.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

#include "log/log.h"

namespace weir::file {
namespace {

constexpr std::size_t piece_bytes = 112 << 10;  // a block of 128 KiB or more is mapped anew each time: twice the CPU
constexpr std::size_t scratch_bytes = 64 << 10;
constexpr std::size_t bytes_per_event = 16;  // what is reserved for; shorter lines make smaller batches
constexpr int scratches_an_order = 16;
constexpr std::size_t beginning_bytes = 8 << 10;  // of a line that is too large

/// Of the next piece, with so many bytes left.
std::size_t most_of(const WatchedFile& file, std::uint64_t left) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(left, file.piece ? file.piece : piece_bytes));
}

bool ends_at(const InputFile& file, std::uint64_t offset) {
  char byte = 0;
  return file.read(&byte, 1, offset) == 0;
}

}  // namespace

FileReader::FileReader(WatchConfig config, Bytes max_event, std::shared_ptr<Watched> watched)
    : config_(std::move(config)),
      max_event_(max_event.count()),
      watched_(std::move(watched)),
      scratch_(std::make_unique<char[]>(scratch_bytes)) {}

void FileReader::run(const Order& order) {
  pieces.clear();
  failed = false;
  if (order.look) {
    if (config_.follow) watched_->look(order.now);
    chosen_ = nullptr;  // it may be gone
  }
  if (order.again) return read_again(*order.again, order.room);
  if (!chosen_ || !has_more(*chosen_, order.now)) choose(order.now);
  for (std::size_t left = order.read ? order.room.pieces : 0; left > 0 && chosen_; --left)
    if (!read_piece(order.room, order.now, left > 1)) break;
}

void FileReader::choose(TimePoint now) {
  chosen_ = next_file(now);
  next = chosen_ ? std::optional(room_for(*chosen_)) : std::nullopt;
  over = !chosen_ && !config_.follow;
}

/// False: nothing more can be read within this room. Of what the last look has seen of a file the pieces follow each
/// other without another look at it.
bool FileReader::read_piece(const Room& room, TimePoint now, bool more_wanted) {
  WatchedFile& file = *chosen_;
  if (room.bytes == 0 && !file.in_large_line) return false;
  std::uint64_t size = 0;
  if (file.in_large_line)
    failed = !find_line_end(file, now);
  else
    size = read_some(file, room, now);
  if (more_wanted && !failed && !file.in_large_line && file.piece == 0 && file.read + room.bytes <= size) return true;
  choose(now);
  if (failed) next.reset();  // not at once again
  // A larger piece is wanted than there is room for: it would be read in vain.
  return !failed && (!next || next->bytes <= room.bytes);
}

bool FileReader::has_more(WatchedFile& file, TimePoint now) {
  if (file.is_own) return false;
  const auto size = watched_->check(file, now);
  if (size <= file.read || (file.in_large_line && size == file.looked_at))
    return file.in_large_line && watched_->ended(file, now);
  if (size != file.looked_at) {
    file.changed = now;
    return true;
  }
  return !file.last_line_taken && watched_->ended(file, now);
}

/// What was renamed comes first: it is older than what stands under its name now. Then one after the other.
WatchedFile* FileReader::next_file(TimePoint now) {
  auto& files = watched_->files();
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

FileReader::Room FileReader::room_for(const WatchedFile& file) const {
  if (file.in_large_line) return {};
  const auto look = file.file.look();
  const auto left = look ? look->length - std::min(look->length, file.read) : 0;  // "cannot" shows when it is read
  // At least one byte, so that this is not taken for a piece that needs no memory.
  const auto bytes = std::max<std::size_t>(1, most_of(file, left));
  const auto whole = file.piece ? 1 : std::min<std::uint64_t>(left / bytes, most_pieces);
  return {bytes, bytes / bytes_per_event + 16, std::max<std::size_t>(1, static_cast<std::size_t>(whole))};
}

bool FileReader::fill(FileRange& piece, const WatchedFile& file, std::uint64_t from, std::size_t most) {
  piece.block = BlockWriter(most + 1);
  const auto got = file.file.read(piece.block.space().data(), most, from);
  if (got < 0)
    say_read_error(file, got);
  else
    said_read_error_ = false;
  piece.got = static_cast<std::size_t>(std::max<std::int64_t>(got, 0));
  return got >= 0;
}

void FileReader::say_read_error(const WatchedFile& file, std::int64_t error) {
  if (!std::exchange(said_read_error_, true))
    log::warn({"source", config_.source}, "{}: cannot read it: {}; it is tried again", terminal_text(file.path),
              std::generic_category().message(static_cast<int>(-error)));
}

/// How long the file is; 0 if that was not seen, or if nothing is certain about what follows.
std::uint64_t FileReader::read_some(WatchedFile& file, const Room& room, TimePoint now) {
  const auto look = file.file.look();
  const auto size = look ? look->length : 0;
  const auto most = std::min(room.bytes, std::max<std::size_t>(1, most_of(file, size - std::min(size, file.read))));
  FileRange piece;
  failed = !look || !fill(piece, file, file.read, most);
  if (failed) return 0;
  // Files of /sys and /proc are shorter than they say.
  const bool to_end = file.read + piece.got >= size || (piece.got < most && ends_at(file.file, file.read + piece.got));
  const bool last = to_end && watched_->ended(file, now);
  const std::span<const char> data(piece.block.space().data(), piece.got);
  if (const auto mark = byte_order_mark_at({data.data(), data.size()}); file.read == 0 && mark > 0) {
    file.read = file.given = mark;
    file.tails.note(file.file, file.read);
    return size;
  }
  const auto lines = find_lines(data, last, max_event_, room.events, piece.index);
  if (lines.too_large) {
    file.in_large_line = true;
    file.large_from = file.read;
    return 0;
  }
  if (lines.used == 0) {
    if (const auto zeros = zeros_at({data.data(), data.size()}); zeros == data.size() && zeros > 0 && !last) {
      step_over_zeros(file, zeros, size, to_end);
      return 0;
    }
    if (to_end)
      file.looked_at = size;
    else
      file.piece = std::min<std::size_t>(most * 2, max_event_ + 1);
    file.last_line_taken = last;
    return 0;
  }
  const std::string_view text(data.data(), lines.used);
  file.marks.note(file.read + lines.used, text);
  file.tails.forget_before(file.committed);
  file.tails.note(file.file, file.read + lines.used, text);
  piece.begin = file.read;
  piece.given = piece.end = file.read += lines.used;
  file.piece = 0;
  file.last_line_taken = last && lines.used == data.size();
  if (piece.index.empty()) {
    holds_no_event(file);
    return size;
  }
  piece.got = lines.used;
  piece.file = &file;
  piece.epoch = file.epoch;
  pieces.push_back(std::move(piece));
  return size;
}

/// Up to `read` there is nothing for the flow. A piece of this file that is not given yet comes first.
void FileReader::holds_no_event(WatchedFile& file) {
  const auto before = std::find_if(pieces.rbegin(), pieces.rend(),
                                   [&](const FileRange& p) { return p.file == &file && p.epoch == file.epoch; });
  (before == pieces.rend() ? file.given : before->given) = file.read;
  if (file.tails.of(file.read) == Tails::unknown) file.tails.note(file.file, file.read);
}

/// Zeros with nothing behind them may yet be written over: they are left. A hole is stepped over at once.
void FileReader::step_over_zeros(WatchedFile& file, std::size_t zeros, std::uint64_t size, bool to_end) {
  const auto data = file.file.next_data(file.read);
  if (to_end || !data) {
    file.looked_at = size;
    return;
  }
  file.read = *data > file.read ? *data : file.read + zeros;
  holds_no_event(file);
}

/// False: it cannot be read now.
bool FileReader::find_line_end(WatchedFile& file, TimePoint now) {
  for (int i = 0; i < scratches_an_order; ++i) {
    const auto look = file.file.look();
    const auto got = file.file.read(scratch_.get(), scratch_bytes, file.read);
    if (got < 0 || !look) {
      say_read_error(file, got < 0 ? got : -look.error());
      return false;
    }
    const auto n = static_cast<std::size_t>(got);
    const auto* const line_end = static_cast<const char*>(std::memchr(scratch_.get(), '\n', n));
    const bool to_end = n == 0 || file.read + n >= look->length;
    const bool ends = line_end || (to_end && watched_->ended(file, now));
    const auto before = file.read;
    file.read += line_end ? static_cast<std::size_t>(line_end - scratch_.get()) + 1 : n;
    if (to_end && !line_end) file.looked_at = look->length;
    if (ends && !end_large_line(file)) {
      file.read = before;
      return false;
    }
    if (ends || to_end) break;
  }
  return true;
}

/// False: its beginning cannot be read now.
bool FileReader::end_large_line(WatchedFile& file) {
  if (std::exchange(file.skips_line, false)) {
    file.in_large_line = false;
    holds_no_event(file);
    return true;
  }
  FileRange piece;
  piece.kind = FileRange::Kind::large_line;
  piece.file = &file;
  piece.begin = file.large_from;
  piece.given = piece.end = file.read;
  piece.epoch = file.epoch;
  if (!read_beginning(piece, file)) return false;
  file.tails.note(file.file, file.read);
  file.in_large_line = false;
  pieces.push_back(std::move(piece));
  return true;
}

bool FileReader::read_beginning(FileRange& piece, const WatchedFile& file) {
  piece.path = terminal_text(file.path);
  const auto most = std::min<std::uint64_t>({piece.end - piece.begin, beginning_bytes, max_event_});
  piece.beginning.resize(static_cast<std::size_t>(most));
  const auto got = file.file.read(piece.beginning.data(), piece.beginning.size(), piece.begin);
  if (got < 0) say_read_error(file, got);
  piece.beginning.resize(static_cast<std::size_t>(std::max<std::int64_t>(got, 0)));
  return got >= 0;
}

/// No piece: it is not there any more, or, when that `failed`, it was not seen.
void FileReader::read_again(const Again& again, const Room& room) {
  if (again.epoch != again.file->epoch) return;
  FileRange piece{.file = again.file, .begin = again.begin, .end = again.end, .epoch = again.epoch};
  if (again.large_line) {
    failed = !read_beginning(piece, *again.file);
    piece.kind = FileRange::Kind::large_line;
    if (!failed) pieces.push_back(std::move(piece));
    return;
  }
  const auto length = static_cast<std::size_t>(again.end - again.begin);
  const bool read = fill(piece, *again.file, again.begin, length);
  const auto look = again.file->file.look();
  failed = !read || !look || (piece.got != length && look->length >= again.end);
  if (piece.got != length) return;
  find_lines({piece.block.space().data(), length}, true, max_event_, room.events, piece.index);
  if (!piece.index.empty()) pieces.push_back(std::move(piece));
}

}  // namespace weir::file
