#pragma once
/// Sink `stdout`: one event a line to standard output, for people and for pipes.
///
/// It never changes the mode of a descriptor that others share: before each write it waits at most a second for room,
/// and writes to a pipe no more at once than is sure to fit, so a reader that has stopped reading never delays a stop.
/// A reader that has gone is final: later events fail and are counted, and one message says so.
///
/// Thread: one worker. Cost: one copy; 64 KiB a write to a file, 4 KiB to a pipe. On cancel: within a second.
#include <weir/component/catalog.h>

#include <string>

namespace weir::stdio {

enum class Format : std::uint8_t { json, text, pretty };

/// One event as it is shown, with its line end. `safe`: a terminal may show it.
void append_event(std::string& out, std::string_view event, Format format, bool safe);

class StdoutSink final : public Sink {
 public:
  /// `written`: told that the process writes to this file, if it is one.
  StdoutSink(std::string name, Format format, int fd, WrittenFiles* written = nullptr);
  Result<void> open() override;
  Delivery deliver(std::span<const Batch> batches) override;

 private:
  bool render(std::span<const Batch> batches);
  int write_all();

  const std::string name_;
  const Format format_;
  const int fd_;
  WrittenFiles* const written_;
  bool safe_ = false;
  std::size_t most_at_once_ = 64 << 10;
  bool gone_ = false;
  std::string text_;  // of the group, rendered and not yet written from sent_ on
  std::size_t sent_ = 0;
  std::size_t batch_ = 0;    // the group's next to be rendered
  std::uint32_t event_ = 0;  // of that batch
  bool begun_ = false;       // some of the group is written
};

/// `fd` stays open; a test gives another than 1.
SinkType stdout_type(int fd = 1);

}  // namespace weir::stdio
