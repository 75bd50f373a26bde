#include "file_reader.h"

#include <weir/base/terminal_text.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "log/log.h"

namespace weir::file {
namespace {

constexpr std::size_t piece_bytes = 128 << 10;  // larger blocks are mapped anew each: twice the CPU
constexpr std::size_t scratch_bytes = 64 << 10;
constexpr std::size_t bytes_per_event = 16;  // what is reserved for; shorter lines make smaller batches
constexpr int scratches_an_order = 16;
constexpr std::size_t beginning_bytes = 8 << 10;  // of a line that is too large

}  // namespace

FileReader::FileReader(WatchConfig config, Bytes max_event, std::shared_ptr<Watched> watched)
    : config_(std::move(config)),
      max_event_(max_event.count()),
      watched_(std::move(watched)),
      scratch_(std::make_unique<char[]>(scratch_bytes)) {}

void FileReader::run(const Order& order) {
  piece = Piece{};
  failed = false;
  if (order.look) {
    if (config_.follow) watched_->look(order.now);
    chosen_ = nullptr;  // it may be gone
  }
  if (order.again) return read_again(*order.again, order.room);
  const auto choose = [&] {
    chosen_ = next_file(order.now);
    next = chosen_ ? std::optional(room_for(*chosen_)) : std::nullopt;
    over = !chosen_ && !config_.follow;
  };
  if (!chosen_ || !has_more(*chosen_, order.now)) choose();
  if (!chosen_ || !order.read || (order.room.bytes == 0 && !chosen_->in_large_line)) return;
  if (chosen_->in_large_line)
    failed = !find_line_end(*chosen_, order.now);
  else
    read_some(*chosen_, order.room, order.now);
  choose();
  if (failed) next.reset();  // not at once again
}

bool FileReader::has_more(WatchedFile& file, TimePoint now) {
  const auto size = watched_->check(file, now);
  if (size <= file.read) return file.in_large_line && watched_->ended(file, now);
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
  const auto size = file.file.size();
  const auto usual = file.piece ? file.piece : piece_bytes;
  // At least one byte, so that this is not taken for a piece that needs no memory.
  const auto most = std::clamp<std::uint64_t>(size - std::min(size, file.read), 1, usual);
  return {static_cast<std::size_t>(most), static_cast<std::size_t>(most) / bytes_per_event + 16};
}

bool FileReader::fill(const WatchedFile& file, std::uint64_t from, std::size_t most) {
  piece.block = BlockWriter(most + 1);
  const auto got = file.file.read(piece.block.space().data(), most, from);
  if (got < 0) say_read_error(file, got);
  piece.got = static_cast<std::size_t>(std::max<std::int64_t>(got, 0));
  return got >= 0;
}

void FileReader::say_read_error(const WatchedFile& file, std::int64_t error) {
  if (!std::exchange(said_read_error_, true))
    log::warn({"source", config_.source}, "{}: cannot read it: {}; it is tried again", terminal_text(file.path),
              std::generic_category().message(static_cast<int>(-error)));
}

void FileReader::read_some(WatchedFile& file, const Room& room, TimePoint now) {
  const auto size = file.file.size();
  const auto most = std::min(room.bytes, room_for(file).bytes);
  fill(file, file.read, most);
  const bool to_end = file.read + piece.got >= size;
  const bool last = to_end && watched_->ended(file, now);
  const std::span<const char> data(piece.block.space().data(), piece.got);
  const auto lines = find_lines(data, last, max_event_, room.events, piece.index);
  if (lines.too_large) {
    file.in_large_line = true;
    file.large_from = file.read;
    return;
  }
  if (lines.used == 0) {
    if (to_end || piece.got == 0)
      file.looked_at = size;
    else
      file.piece = std::min<std::size_t>(most * 2, max_event_ + 1);
    return;
  }
  piece.begin = file.read;
  piece.end = file.read += lines.used;
  file.piece = 0;
  file.last_line_taken = last && file.read >= size;
  if (piece.index.empty()) {
    file.given = file.read;  // nothing in it for the flow
    return;
  }
  piece.got = lines.used;
  piece.file = &file;
  piece.epoch = file.epoch;
  piece.kind = Piece::Kind::lines;
}

/// False: it cannot be read now.
bool FileReader::find_line_end(WatchedFile& file, TimePoint now) {
  for (int i = 0; i < scratches_an_order; ++i) {
    const auto size = file.file.size();
    const auto got = file.file.read(scratch_.get(), scratch_bytes, file.read);
    if (got < 0) {
      say_read_error(file, got);
      return false;
    }
    const auto n = static_cast<std::size_t>(got);
    const auto* const line_end = static_cast<const char*>(std::memchr(scratch_.get(), '\n', n));
    const bool last = file.read + n >= size && watched_->ended(file, now);
    file.read += line_end ? static_cast<std::size_t>(line_end - scratch_.get()) + 1 : n;
    if (line_end || last) end_large_line(file);
    if (line_end || last || n == 0) break;
  }
  return true;
}

void FileReader::end_large_line(WatchedFile& file) {
  file.in_large_line = false;
  piece.kind = Piece::Kind::large_line;
  piece.file = &file;
  piece.begin = file.large_from;
  piece.end = file.read;
  piece.epoch = file.epoch;
  read_beginning(file);
}

void FileReader::read_beginning(const WatchedFile& file) {
  piece.path = terminal_text(file.path);
  const auto most = std::min<std::uint64_t>({piece.end - piece.begin, beginning_bytes, max_event_});
  piece.beginning.resize(static_cast<std::size_t>(most));
  const auto got = file.file.read(piece.beginning.data(), piece.beginning.size(), piece.begin);
  if (got < 0) say_read_error(file, got);
  piece.beginning.resize(static_cast<std::size_t>(std::max<std::int64_t>(got, 0)));
}

/// Kind::nothing: it is not there any more.
void FileReader::read_again(const Again& again, const Room& room) {
  piece.file = again.file;
  piece.begin = again.begin;
  piece.end = again.end;
  piece.epoch = again.epoch;
  if (again.epoch != again.file->epoch) return;
  if (again.large_line) {
    piece.kind = Piece::Kind::large_line;
    return read_beginning(*again.file);
  }
  const auto length = static_cast<std::size_t>(again.end - again.begin);
  failed = !fill(*again.file, again.begin, length);
  if (piece.got != length) return;
  find_lines({piece.block.space().data(), length}, true, max_event_, room.events, piece.index);
  if (!piece.index.empty()) piece.kind = Piece::Kind::lines;
}

}  // namespace weir::file
