#pragma once
/// Sink `file`: one event a line, appended to a file, plain or as gzip, synced once a delivery. README.md has its
/// guarantees.
///
/// Thread: one worker. Cost: one writev and one fdatasync a delivery; plain, nothing is copied. On cancel: a delivery
/// ends with the disk's answer.
#include <weir/component/catalog.h>

#include <atomic>
#include <memory>
#include <optional>

#include "log_file.h"

namespace weir::file {

class FileSink final : public Sink {
 public:
  FileSink(std::string name, const Options& options, std::unique_ptr<Disk> disk = std::make_unique<Disk>());

  Result<void> open() override;
  Delivery deliver(std::span<const Batch> batches) override;
  /// For whoever rotates it from outside (logrotate): the next delivery goes to what has the file's name by then.
  Result<std::string> on_hangup() override;
  void close() override { log_.close(); }

 private:
  Result<void> make_room(Bytes coming);
  Result<void> rotate();
  std::string rotated_name(std::uint64_t number) const;
  void remove_oldest(std::span<const std::uint64_t> numbers);
  Result<std::vector<std::uint64_t>> rotated_numbers() const;
  void tell();
  Delivery again(const Error& error) const;

  std::string name_;
  std::unique_ptr<Disk> disk_;
  LogFile log_;
  std::optional<Bytes> rotate_size_;
  std::optional<std::uint64_t> rotate_keep_;
  std::atomic<bool> reopen_{false};
};

SinkType sink_type();

}  // namespace weir::file
