#pragma once
/// The journal as a sink: one group, one commit. When it is full it waits for room in short steps and names the
/// consumers it waits for.
///
/// Thread: its worker. Cost: see Log::write. On cancel: a wait for room ends at once.
#include <weir/component/sink.h>

#include <atomic>

#include "disk_journal.h"

namespace weir::disk {

class JournalWriter final : public Sink {
 public:
  explicit JournalWriter(std::shared_ptr<DiskJournal> journal) : journal_(std::move(journal)) {}
  Result<void> open() override { return {}; }
  Delivery deliver(std::span<const Batch> batches) override;
  void cancel() override;

 private:
  const std::shared_ptr<DiskJournal> journal_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace weir::disk
