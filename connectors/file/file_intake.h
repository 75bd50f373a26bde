#pragma once
/// What brings the lines of files into the flow, on the first reactor. The file system is asked on a thread of its own
/// (file_thread.h), so that a mount that hangs freezes neither the reactor's other work nor a stop.
///
///   reactor   paused? ready? memory? a range free? -> order --.
///   thread                                                     '-> read a piece, find its lines --.
///   reactor   one range, one receipt <- the piece, if the flow still takes it <-------------------'
///             the next order goes out before the last piece is pushed: the thread reads while this one works
///
/// The watched files belong to the thread from an order to its answer, to the reactor otherwise. At most the pieces
/// of one order wait outside the flow, with their memory reserved; two of them are given in a turn.
///
/// Thread: its reactor; `quiet` any. Cost: about 15 ns a line, 0.3 ns a byte, and two thread switches for each MiB.
/// On cancel: `stop` orders nothing more; when what is on its way has settled, the checkpoint is written a last time. A
/// read or a write that does not return is waited for as long as FileThread::patience and then left behind: what it
/// would have brought, or noted, is read again by the next start.
#include <weir/async/reactor_task.h>
#include <weir/component/catalog.h>
#include <weir/component/expression/field_reader.h>
#include <weir/component/push_events.h>

#include <atomic>
#include <deque>
#include <optional>

#include "checkpoint.h"
#include "file_reader.h"
#include "ranges.h"

namespace weir::file {

struct FileConfig {
  WatchConfig watch;
  std::string checkpoint;
  FileMode checkpoint_mode{};
  Bytes max_event = 256_KiB;
  Bytes max_unsettled = 8_MiB;
  Duration poll = std::chrono::milliseconds(250);
  bool keep_failed = true;  ///< acks: stored
  bool stops_at_end = false;
  std::shared_ptr<std::atomic<bool>> over = std::make_shared<std::atomic<bool>>(false);  ///< all is read and settled
  bool read_in_place = false;  ///< a test's: FileThread without a thread
  PriorityRule priorities;
};

class FileIntake final : public Intake {
 public:
  FileIntake(const IntakeSetup& setup, const FileConfig& config, std::shared_ptr<Watched> watched);
  ~FileIntake() override { output_.on_room = nullptr; }
  void start() override;
  void stop(Duration) override;
  void abandon() override { stop({}); }
  bool quiet() const override { return done_.load(std::memory_order_acquire); }

 private:
  enum class Next : std::uint8_t { ordered, soon, later };
  struct Arrived;  // a piece, and the range that stands for it

  void turn();
  bool flow_takes() const;
  bool takes_letters() const { return !output_.has_dead_letters() || output_.dead_letters_ready(); }
  void look_at_answer(TimePoint now);
  int give_pieces(TimePoint now, Next& next);
  std::optional<Arrived> take_piece();
  std::shared_ptr<const Origin> origin_of(const FileReader::FileRange& piece) const;
  bool has_piece() const { return !ordered_ && !reader_->pieces.empty(); }
  void give(Arrived& arrived, TimePoint now);
  void give_lines(Arrived& arrived, TimePoint now);
  void give_large_line(Arrived& arrived);
  Next order(TimePoint now);
  bool add_range_to_read_again(FileReader::Order& order);
  std::size_t reserve(const FileReader::Room& room);
  void commit_what_holds_no_event();
  void save(TimePoint now, bool last);
  void end(TimePoint now);
  void drop_pieces(TimePoint now);

  const FileConfig config_;
  SourceOutput& output_;
  const std::shared_ptr<FileReader> reader_;  // shared with an order that may be left behind
  CheckpointWriter writer_;
  std::optional<FieldReader> priority_of_;
  std::vector<Priority> priorities_;  // of the events of a piece
  PrioritySplit split_;
  std::string saved_;
  std::deque<Ticket> tickets_;      // of the pieces that were ordered
  Ranges::Range* again_ = nullptr;  // what was ordered is read again
  bool ordered_ = false;
  bool looked_ = false;  // the present order has the names looked at
  bool stopping_ = false, saved_last_ = false, said_large_ = false;
  TimePoint next_look_{}, next_save_{};
  std::optional<TimePoint> give_up_at_;
  std::atomic<bool> done_{false};
  async::ReactorTask turns_;
  Ranges ranges_;
  FileThread thread_;
};

}  // namespace weir::file
