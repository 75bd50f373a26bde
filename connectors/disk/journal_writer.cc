#include "journal_writer.h"

namespace weir::disk {
namespace {

// One wait for room. A full journal is no failure: the same call may be made again at once.
constexpr auto longest_wait = std::chrono::milliseconds(500);
constexpr auto again_after = std::chrono::milliseconds(1);

}  // namespace

Delivery JournalWriter::deliver(std::span<const Batch> batches) {
  auto written = journal_->log().write(batches);
  if (!written && written.error().kind == Error::Kind::overloaded) {
    journal_->wait_for_room(longest_wait, cancelled_);
    if (!cancelled_) written = journal_->log().write(batches);
  }
  if (written) return {};
  Error error = std::move(written.error());
  if (error.kind == Error::Kind::overloaded) error.retry_after = again_after;
  return Delivery::again(std::move(error));
}

void JournalWriter::cancel() {
  cancelled_ = true;
  journal_->wake_writer();
}

}  // namespace weir::disk
