#pragma once
/// Reads files on the first reactor, in turns of at most 256 KiB, so that its other work goes on.
///
/// A turn reads a piece straight into what will be its block, finds the lines in it, gives it to the flow as one batch
/// with the receipt of its range, and asks for another turn. Before a byte is read the flow must not be paused, must be
/// ready, must have the memory, and a range must be free; so nothing that was read ever waits outside the flow.
///
/// Thread: its reactor; `quiet` any. Cost: about 15 ns a line and 0.3 ns a byte. On cancel: `stop` reads nothing more;
/// when what is on its way has settled, the checkpoint is written a last time.
#include <weir/component/catalog.h>
#include <weir/component/expression/field_reader.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "input_lines.h"
#include "ranges.h"

namespace weir::file {

struct FileConfig {
  WatchConfig watch;
  std::string checkpoint;
  Bytes max_event = 256_KiB;
  Bytes max_unsettled = 8_MiB;
  Duration poll = std::chrono::milliseconds(250);
  bool keep_failed = true;  ///< acks: stored
  PriorityRule priorities;
};

class FileIntake final : public Intake {
 public:
  FileIntake(const IntakeSetup& setup, const FileConfig& config, Watched& watched);
  ~FileIntake() override;
  void start() override;
  void stop(Duration) override;
  void abandon() override { stop({}); }
  bool quiet() const override { return done_.load(std::memory_order_acquire) && writer_.idle(); }

 private:
  enum class Next : std::uint8_t { more, soon, later };
  struct RangeBlock;  // what was read for one range

  void schedule();
  void sleep(Duration time);
  void settled();
  void turn();
  Next step(TimePoint now);
  bool flow_takes() const;
  WatchedFile* next_file(TimePoint now);
  bool has_more(WatchedFile& file, TimePoint now);
  Next read_some(WatchedFile& file, TimePoint now);
  Next find_line_end(WatchedFile& file, TimePoint now);
  Next read_again(Ranges::Range& range, TimePoint now);
  void end_large_line(WatchedFile& file, std::uint64_t end);
  void to_dead_letters(Ranges::Range& range);
  bool fill(RangeBlock& piece, const WatchedFile& file, std::uint64_t from, std::size_t most, std::size_t events);
  void give(RangeBlock& piece, Receipt& receipt, TimePoint now);
  void give_by_priority(RangeBlock& piece, Receipt& receipt, BatchInfo info);
  void commit_what_holds_no_event();
  void save(TimePoint now, bool last);
  void finish_if_over(TimePoint now);
  void wait_for_writer();

  const FileConfig config_;
  Watched& watched_;
  boost::asio::io_context& io_;
  SourceOutput& output_;
  boost::asio::steady_timer timer_;
  CheckpointWriter writer_;
  std::vector<Batch::Slot> index_;
  std::unique_ptr<char[]> scratch_;  // to step through lines that are too large
  std::optional<FieldReader> priority_of_;
  std::vector<Priority> priorities_;  // of the events in index_
  std::string saved_;
  TimePoint next_look_{}, next_save_{};
  bool scheduled_ = false, stopping_ = false, said_large_ = false, said_read_error_ = false;
  std::atomic<bool> done_{false};
  std::size_t turn_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Ranges ranges_;
};

}  // namespace weir::file
