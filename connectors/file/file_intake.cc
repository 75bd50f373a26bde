#include "file_intake.h"

#include <fmt/format.h>
#include <weir/base/terminal_text.h>

#include <algorithm>

#include "log/log.h"

namespace weir::file {
namespace {

constexpr int pieces_a_turn = 2;  // then other work of the reactor has its turn
constexpr auto save_every = std::chrono::seconds(1);
constexpr auto soon = std::chrono::milliseconds(10);  // nothing tells an intake that memory has come back
constexpr auto read_again_later = std::chrono::seconds(1);
constexpr auto look_whether_written = std::chrono::milliseconds(1);

}  // namespace

struct FileIntake::Arrived {
  FileReader::FileRange piece;
  Ticket ticket;
  Ranges::Range* range;  // null: counted instead of given
  std::shared_ptr<const Origin> origin{};
};

FileIntake::FileIntake(const IntakeSetup& setup, const FileConfig& config, std::shared_ptr<Watched> watched)
    : config_(config),
      output_(setup.output),
      reader_(std::make_shared<FileReader>(config.watch, config.max_event, std::move(watched))),
      writer_(config.watch.source, config.checkpoint, config.checkpoint_mode),
      turns_(setup.reactor, [this] { turn(); }),
      ranges_(config.max_unsettled, config.keep_failed, [this] { turns_.schedule(); }),
      thread_("files", [this] { turns_.schedule(); }, config.read_in_place) {
  if (!config.priorities.from_body()) return;
  auto reader = FieldReader::compile(config.priorities.path, config.max_event);
  WEIR_CHECK(reader.has_value());  // the source has compiled it before
  priority_of_.emplace(std::move(*reader));
}

void FileIntake::start() {
  output_.on_room = [this] { turns_.schedule(); };
  next_look_ = output_.context().now() + config_.poll;
  reader_->next = FileReader::Room{};  // nobody has looked yet
  turns_.schedule();
}

void FileIntake::stop(Duration) {
  stopping_ = true;
  turn();
}

void FileIntake::turn() {
  if (done_) return;
  const auto now = output_.context().now();
  ranges_.collect(now);
  if (stopping_) return end(now);
  if (!thread_.idle()) return turns_.sleep(config_.poll);  // its answer brings the next turn
  look_at_answer(now);
  ranges_.advance();
  commit_what_holds_no_event();
  save(now, false);
  Next next = Next::later;
  const int given = give_pieces(now, next);
  if (has_piece()) return given == pieces_a_turn ? turns_.schedule() : turns_.sleep(config_.poll);
  if (next != Next::ordered) next = order(now);
  if (given > 0 && next == Next::soon)
    return turns_.schedule();  // what they did not need of their memory is free again
  if (next == Next::later && reader_->over && ranges_.waiting() == 0) {
    config_.over->store(true, std::memory_order_release);
    stopping_ = true;
    return turns_.schedule();
  }
  turns_.sleep(next == Next::soon ? Duration(soon) : std::min<Duration>(config_.poll, save_every));
}

/// As many as the flow takes, but for other work of the reactor not too many at once; how many.
int FileIntake::give_pieces(TimePoint now, Next& next) {
  int given = 0;
  for (; given < pieces_a_turn && has_piece(); ++given) {
    auto arrived = take_piece();
    if (!arrived) break;
    if (!has_piece()) next = order(now);  // the thread reads on while this one is pushed
    give(*arrived, now);
  }
  return given;
}

bool FileIntake::flow_takes() const {
  const auto takes = [&](Priority priority) { return !output_.paused(priority) && output_.ready(priority); };
  const auto& rule = config_.priorities;
  return takes(rule.fallback) &&
         (!rule.from_body() || std::ranges::all_of(rule.map, takes, [](const auto& entry) { return entry.second; }));
}

void FileIntake::look_at_answer(TimePoint now) {
  if (!std::exchange(ordered_, false)) return;
  if (std::exchange(looked_, false)) next_look_ = now + config_.poll;  // a long look leaves time for reading
  while (tickets_.size() > reader_->pieces.size()) tickets_.pop_back();
  if (has_piece()) return;
  if (!reader_->next) next_look_ = std::min(next_look_, now + config_.poll);
  if (!again_) return;
  if (reader_->failed) return ranges_.postpone(*std::exchange(again_, nullptr), now + read_again_later);
  log::warn({"source", config_.watch.source},
            "{}: bytes {} to {} were not stored and cannot be read again: the file was emptied",
            terminal_text(again_->file->path), again_->begin, again_->end);
  ranges_.give_up(*std::exchange(again_, nullptr));
}

/// The piece that was read, with its range, if the flow takes it now.
std::optional<FileIntake::Arrived> FileIntake::take_piece() {
  FileReader::FileRange& piece = reader_->pieces.front();
  const bool large = piece.kind == FileReader::FileRange::Kind::large_line;
  if (large ? !takes_letters() : !flow_takes()) return std::nullopt;
  Arrived arrived{std::move(piece), Ticket{}, std::exchange(again_, nullptr)};
  reader_->pieces.pop_front();
  if (!tickets_.empty()) {
    arrived.ticket = std::move(tickets_.front());
    tickets_.pop_front();
  }
  WatchedFile& file = *arrived.piece.file;
  arrived.origin = origin_of(arrived.piece);
  if (!arrived.range && arrived.piece.epoch == file.epoch) file.given = arrived.piece.given;
  if (!arrived.range && (!large || output_.has_dead_letters()))
    arrived.range = &ranges_.issue(file, arrived.piece.begin, arrived.piece.end, arrived.piece.epoch, large);
  return arrived;
}

/// While the piece's file is ours. Null: no expression asks for it.
std::shared_ptr<const Origin> FileIntake::origin_of(const FileReader::FileRange& piece) const {
  const bool offsets = output_.reads(Attribute::offset);
  if (!offsets && !output_.reads(Attribute::file)) return nullptr;
  Origin made;
  made.file = origin_text(piece.file->path);
  if (offsets)
    for (const auto& slot : piece.index) made.offsets.push_back(piece.begin + slot.offset);
  return std::make_shared<const Origin>(std::move(made));
}

/// From here on the files may be the thread's again.
void FileIntake::give(Arrived& arrived, TimePoint now) {
  if (arrived.piece.kind == FileReader::FileRange::Kind::large_line)
    give_large_line(arrived);
  else
    give_lines(arrived, now);
}

void FileIntake::give_lines(Arrived& arrived, TimePoint now) {
  auto& [piece, ticket, range, origin] = arrived;
  const auto space = piece.block.space();
  if (space[piece.got - 1] != '\n') space[piece.got++] = '\n';
  piece.block.wrote(piece.got);
  const auto n = static_cast<std::uint32_t>(piece.index.size());
  range->events = n;
  Receipt& receipt = range->receipt();
  receipt.owe(n);
  BatchInfo info;
  info.priority = config_.priorities.fallback;
  info.received = now;
  info.received_wall = output_.context().wall();
  info.one_line_each = true;
  info.first_id = output_.next_ids(n);
  info.origin = std::move(origin);
  if (priority_of_) {
    const std::string_view data(piece.block.data().data(), piece.got);
    priorities_.clear();
    for (const auto& slot : piece.index) {
      const auto value = priority_of_->text(data.substr(slot.offset, slot.length));
      priorities_.push_back(value ? config_.priorities.of(*value) : config_.priorities.fallback);
    }
    push_by_priority(output_, split_, data, piece.index, priorities_, &receipt, info, ticket);
  } else {
    const Bytes on_the_way = output_.cost(piece.got, n) - block_size(piece.got, n, 1);
    Batch batch = piece.block.seal(piece.index, &receipt, info, ticket);
    output_.push(std::move(batch), ticket.split(std::min(on_the_way, ticket.amount())));
  }
  receipt.done_reading();
}

void FileIntake::give_large_line(Arrived& arrived) {
  const auto& [piece, ticket, range, origin] = arrived;
  const auto length = piece.end - piece.begin;
  if (!std::exchange(said_large_, true))
    log::warn({"source", config_.watch.source},
              "{}: the line of {} bytes at {} is longer than max_event ({} bytes): it {}; this is said once",
              piece.path, length, piece.begin, config_.max_event.count(),
              range ? "goes to the dead letters, cut" : "is stepped over and counted");
  if (!range) return output_.refused(1, Reason::event_too_large);
  Receipt& receipt = range->receipt();
  receipt.owe(1);
  output_.dead_letter(piece.beginning, Reason::event_too_large,
                      fmt::format("a line of {} bytes at {} of {}; these are its first {}", length, piece.begin,
                                  piece.path, piece.beginning.size()),
                      std::nullopt, &receipt);
  receipt.done_reading();
}

FileIntake::Next FileIntake::order(TimePoint now) {
  FileReader::Order order{.now = now, .look = now >= next_look_};
  bool short_of_memory = false;
  if (flow_takes()) {
    if ((again_ = ranges_.due(now))) {
      short_of_memory = !add_range_to_read_again(order);
    } else if (reader_->next) {
      order.room = *reader_->next;
      order.room.pieces = std::min(order.room.pieces, ranges_.room(order.room.bytes));
      if (order.room.pieces > 0) {
        if (order.room.bytes > 0) order.room.pieces = reserve(order.room);
        order.read = order.room.pieces > 0;
        short_of_memory = !order.read;
      }
    }
  }
  if (!order.look && !order.read && !order.again) return short_of_memory ? Next::soon : Next::later;
  looked_ = order.look;
  ordered_ = true;
  thread_.run([reader = reader_, order] { reader->run(order); });
  return Next::ordered;
}

/// False: there is no memory for it now, or no room for its letter.
bool FileIntake::add_range_to_read_again(FileReader::Order& order) {
  const Ranges::Range& range = *again_;
  const FileReader::Room room{static_cast<std::size_t>(range.end - range.begin), range.events};
  if (range.large_line ? !takes_letters() : reserve(room) == 0) {
    ranges_.postpone(*std::exchange(again_, nullptr), order.now + soon);
    return false;
  }
  order.room = room;
  order.again = {range.file, range.begin, range.end, range.epoch, range.large_line};
  return true;
}

/// For how many of the pieces there is memory now.
std::size_t FileIntake::reserve(const FileReader::Room& room) {
  Bytes worst = output_.cost(room.bytes + 1, room.events) + Receipt::charge;
  if (priority_of_) worst += block_size(room.bytes + 1, room.events, priority_count);
  while (tickets_.size() < room.pieces) {
    auto ticket = output_.reserve(worst);
    if (!ticket) break;
    tickets_.push_back(std::move(*ticket));
  }
  return tickets_.size();
}

void FileIntake::commit_what_holds_no_event() {
  for (WatchedFile& file : reader_->watched().files())
    if (file.in_flight == 0) file.committed = file.given;
}

void FileIntake::save(TimePoint now, bool last) {
  if (now < next_save_ && !last) return;
  next_save_ = now + save_every;
  std::string text = encode(reader_->watched().places());
  if (text == saved_) return;
  saved_ = text;
  writer_.write(std::move(text));
}

/// What was read and not given: it was never taken.
void FileIntake::drop_pieces(TimePoint now) {
  if (again_) ranges_.postpone(*std::exchange(again_, nullptr), now);
  tickets_.clear();
}

void FileIntake::end(TimePoint now) {
  drop_pieces(now);
  if (!ranges_.quiet()) return;
  if (!give_up_at_) give_up_at_ = now + FileThread::patience;
  const bool home = thread_.idle();
  if (home && !std::exchange(saved_last_, true)) {
    ranges_.advance();
    commit_what_holds_no_event();
    save(now, true);
  }
  if ((!home || !writer_.idle()) && now < *give_up_at_) return turns_.sleep(look_whether_written);
  if (!home || !writer_.idle()) {
    log::warn({"source", config_.watch.source},
              "{}: the file system does not answer: the end does not wait for it, and the next start "
              "reads more again",
              terminal_text(config_.watch.path));
    thread_.leave_behind();
    writer_.leave_behind();
  }
  done_.store(true, std::memory_order_release);
}

}  // namespace weir::file
