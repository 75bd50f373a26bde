#pragma once
/// The reading half of a file source: what it does with the file system, one order at a time.
///
/// An order asks for a look at the names, or for some pieces: of whichever files have more, or of a range that must be
/// read again. A piece is at most what the order reserved memory for; what the next ones may need is part of the
/// answer. Several pieces an order, because each order costs two thread switches.
/// The reader moves `read` of a file; `given` and `committed` are for who gave the order.
///
/// Thread: one at a time, as Watched: `run` on the file thread, everything else between two orders. Cost: see
/// file_intake.h. Memory: 64 KiB to step through lines that are too large.
#include <weir/component/batch.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "input_lines.h"
#include "watched.h"

namespace weir::file {

class FileReader {
 public:
  static constexpr std::size_t most_pieces = 8;  ///< of one order
  /// Memory for so many pieces of at most this size. No bytes: what is to be read needs none (the rest of a line that
  /// is too large).
  struct Room {
    std::size_t bytes = 0, events = 0, pieces = 1;
  };
  struct Again {
    WatchedFile* file;
    std::uint64_t begin, end;
    std::uint32_t epoch;
    bool large_line;
  };
  struct Order {
    TimePoint now;
    bool look = false;  ///< at the names
    bool read = false;  ///< pieces, within `room`
    Room room{};
    std::optional<Again> again{};  ///< instead of the next piece
  };
  /// What was read of one range of a file. Its events are `index` of the block; a line that is too large is its
  /// beginning.
  struct FileRange {
    enum class Kind : std::uint8_t { lines, large_line } kind = Kind::lines;
    WatchedFile* file = nullptr;
    std::uint64_t begin = 0, end = 0;
    std::uint64_t given = 0;  ///< what `given` of its file becomes: behind `end` there may be empty lines
    std::uint32_t epoch = 0;
    BlockWriter block{0};
    std::size_t got = 0;
    std::vector<Batch::Slot> index{};
    std::string path{}, beginning{};  ///< only of a large line
  };

  FileReader(WatchConfig config, Bytes max_event, std::shared_ptr<Watched> watched);
  void run(const Order& order);

  std::deque<FileRange> pieces;  ///< of the last order, in the order in which they were read
  std::optional<Room> next;      ///< what there is to read next, if anything
  bool failed = false;           ///< it could not be read, which says nothing about what is there
  bool over = false;             ///< every file is read to its end, and none will grow
  Watched& watched() { return *watched_; }

 private:
  WatchedFile* next_file(TimePoint now);
  bool has_more(WatchedFile& file, TimePoint now);
  Room room_for(const WatchedFile& file) const;
  bool fill(FileRange& piece, const WatchedFile& file, std::uint64_t from, std::size_t most);
  void choose(TimePoint now);
  bool read_piece(const Room& room, TimePoint now, bool more_wanted);
  std::uint64_t read_some(WatchedFile& file, const Room& room, TimePoint now);
  bool find_line_end(WatchedFile& file, TimePoint now);
  void holds_no_event(WatchedFile& file);
  void step_over_zeros(WatchedFile& file, std::size_t zeros, std::uint64_t size, bool to_end);
  bool end_large_line(WatchedFile& file);
  bool read_beginning(FileRange& piece, const WatchedFile& file);
  void read_again(const Again& again, const Room& room);
  void say_read_error(const WatchedFile& file, std::int64_t error);

  const WatchConfig config_;
  const std::size_t max_event_;
  const std::shared_ptr<Watched> watched_;
  std::unique_ptr<char[]> scratch_;
  WatchedFile* chosen_ = nullptr;  // whose room `next` is
  std::size_t turn_ = 0;
  bool said_read_error_ = false;
};

}  // namespace weir::file
